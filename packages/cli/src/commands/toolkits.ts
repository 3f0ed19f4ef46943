import type { Command } from 'commander'
import { createAdminClient } from '../admin-client.ts'
import type { CliIo } from '../cli-io.ts'
import { UsageError } from '../exit-errors.ts'
import { type Cell, createOutput } from '../output.ts'
import { localTime } from '../plain-text.ts'
import { readConnection } from '../settings.ts'
import { addExamples, addRequestOptions, type RequestOptions } from './shared-options.ts'

interface EndpointOptions extends RequestOptions {
  none?: true
}

/** `atp toolkits list`, `publish`, `unpublish` and `set-endpoint` */
export function defineToolkits(toolkits: Command, io: CliIo): void {
  const output = createOutput(io)
  addExamples(toolkits, [
    'atp toolkits list',
    'atp toolkits publish weather',
    'atp toolkits set-endpoint weather https://weather.example.com/api',
  ])
  const list = toolkits.command('list').description('list toolkits, and how many processes serve each of them now')
  addExamples(addRequestOptions(list), ['atp toolkits list', 'atp toolkits list --json']).action(
    async (options: RequestOptions) => {
      const found = await createAdminClient(await readConnection(options, io, 'admin')).toolkits()
      if (options.json) return output.json(found)
      if (found.toolkits.length === 0) return output.note('There are no toolkits: connect one with a toolkit key.')
      output.table(
        ['NAME', 'TOOLS', 'CONNECTED', 'STORE', 'UPDATED', 'SLUG', 'ID'],
        found.toolkits.map(({ name, tool_count, connected, endpoint_url, published_at, updated_at, slug, id }) => [
          name,
          tool_count,
          connectedCell(connected, endpoint_url != null),
          published_at == null ? 'private' : 'published',
          localTime(updated_at),
          slug,
          id,
        ]),
      )
    },
  )
  definePublication(toolkits, io, 'publish', 'show a toolkit to all projects, in the store of the server')
  definePublication(toolkits, io, 'unpublish', 'make a toolkit private again')
  defineSetEndpoint(toolkits, io)
}

function definePublication(toolkits: Command, io: CliIo, name: 'publish' | 'unpublish', description: string): void {
  const output = createOutput(io)
  const command = toolkits.command(name).description(description).argument('<toolkit>', 'its name, slug or id')
  addExamples(addRequestOptions(command), [`atp toolkits ${name} weather`]).action(
    async (toolkit: string, options: RequestOptions) => {
      const client = createAdminClient(await readConnection(options, io, 'admin'))
      const changed = await client.publish(toolkit, name === 'publish')
      if (options.json) return output.json(changed)
      output.line(`Toolkit "${changed.name}" is ${changed.published_at === null ? 'private' : 'published'}`)
    },
  )
}

function defineSetEndpoint(toolkits: Command, io: CliIo): void {
  const output = createOutput(io)
  const command = toolkits
    .command('set-endpoint')
    .description('set the URL that calls are posted to while no process of the toolkit is connected')
    .argument('<toolkit>', 'its name, slug or id')
    .argument('[url]', 'what /atp/… of the app lies below, such as https://example.com/api')
    .option('--none', 'take the URL away')
  addExamples(addRequestOptions(command), [
    'atp toolkits set-endpoint weather https://weather.example.com',
    'atp toolkits set-endpoint weather --none',
  ])
    .addHelpText(
      'after',
      '\nThe app needs nothing but a live toolkit key of this toolkit as its apiKey: calls are signed with what that key' +
        '\nstands for. Plain http is for servers with --dev and addresses of this machine only.',
    )
    .action(async (toolkit: string, url: string | undefined, options: EndpointOptions) => {
      if ((url === undefined) === (options.none === undefined)) {
        throw new UsageError('Give the URL of the endpoint, or --none to take it away')
      }
      const client = createAdminClient(await readConnection(options, io, 'admin'))
      const changed = await client.setEndpoint(toolkit, url ?? null)
      if (options.json) return output.json(changed)
      const { name, endpoint_url } = changed
      output.line(
        endpoint_url === null
          ? `Toolkit "${name}" has no endpoint`
          : `Calls of toolkit "${name}" are posted below ${endpoint_url}`,
      )
    })
}

function connectedCell(count: number, hasEndpoint: boolean): Cell {
  if (count > 0) return { text: String(count), style: 'green' }
  return hasEndpoint ? { text: 'endpoint', style: 'green' } : { text: 'no', style: 'yellow' }
}
