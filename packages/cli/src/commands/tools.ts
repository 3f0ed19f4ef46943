import type { Command } from 'commander'
import { createAdminClient } from '../admin-client.ts'
import type { CliIo } from '../cli-io.ts'
import { createOutput } from '../output.ts'
import { readConnection } from '../settings.ts'
import type { WireToolSummary } from '../wire-bodies.ts'
import { addExamples, addRequestOptions, type RequestOptions } from './shared-options.ts'

/** `atp tools list` */
export function defineTools(tools: Command, io: CliIo): void {
  const output = createOutput(io)
  addExamples(tools, ['atp tools list --toolkit workspace'])
  const list = tools
    .command('list')
    .description('list the tools of a toolkit; a parameter with "?" may be left out')
    .requiredOption('--toolkit <name>', 'the name, slug or id of the toolkit')
  addExamples(addRequestOptions(list), [
    'atp tools list --toolkit workspace',
    'atp tools list --toolkit workspace --json    with schemas',
  ]).action(async (options: RequestOptions & { toolkit: string }) => {
    const found = await createAdminClient(await readConnection(options, io, 'admin')).tools(options.toolkit)
    if (options.json) return output.json(found)
    if (found.tools.length === 0) return output.note(`Toolkit "${options.toolkit}" has no tools.`)
    output.table(
      ['NAME', 'PARAMS', 'AUTH', 'DESCRIPTION'],
      found.tools.map((tool) => [tool.name, paramsCell(tool), authCell(tool), firstLine(tool.description)]),
    )
  })
}

function paramsCell({ params, required_params }: WireToolSummary): string {
  const required = new Set(required_params)
  return params.map((name) => (required.has(name) ? name : `${name}?`)).join(' ') || '-'
}

function authCell({ auth_provider, auth_type }: WireToolSummary): string {
  return auth_type === null ? '-' : `${auth_provider ?? ''} ${auth_type}`.trim()
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? ''
}
