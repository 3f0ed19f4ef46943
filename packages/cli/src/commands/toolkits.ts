import type { Command } from 'commander'
import { createAdminClient } from '../admin-client.ts'
import type { CliIo } from '../cli-io.ts'
import { type Cell, createOutput } from '../output.ts'
import { localTime } from '../plain-text.ts'
import { readConnection } from '../settings.ts'
import { addExamples, addRequestOptions, type RequestOptions } from './shared-options.ts'

/** `atp toolkits list`, `publish` and `unpublish` */
export function defineToolkits(toolkits: Command, io: CliIo): void {
  const output = createOutput(io)
  addExamples(toolkits, ['atp toolkits list', 'atp toolkits publish weather'])
  const list = toolkits.command('list').description('list toolkits, and how many processes serve each of them now')
  addExamples(addRequestOptions(list), ['atp toolkits list', 'atp toolkits list --json']).action(
    async (options: RequestOptions) => {
      const found = await createAdminClient(await readConnection(options, io, 'admin')).toolkits()
      if (options.json) return output.json(found)
      if (found.toolkits.length === 0) return output.note('There are no toolkits: connect one with a toolkit key.')
      output.table(
        ['NAME', 'TOOLS', 'CONNECTED', 'STORE', 'UPDATED', 'SLUG', 'ID'],
        found.toolkits.map(({ name, tool_count, connected, published_at, updated_at, slug, id }) => [
          name,
          tool_count,
          connectedCell(connected),
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

function connectedCell(count: number): Cell {
  return count > 0 ? { text: String(count), style: 'green' } : { text: 'no', style: 'yellow' }
}
