import { type Command, InvalidArgumentError, Option } from 'commander'
import { createAdminClient } from '../admin-client.ts'
import type { CliIo } from '../cli-io.ts'
import { type Cell, createOutput } from '../output.ts'
import { localTime } from '../plain-text.ts'
import { readConnection } from '../settings.ts'
import { addExamples, addRequestOptions, type RequestOptions } from './shared-options.ts'

interface ListOptions extends RequestOptions {
  toolkit?: string
  tool?: string
  status?: string
  limit?: string
  before?: string
}

const statuses = ['succeeded', 'failed', 'timed_out', 'cancelled', 'delivery_failed', 'outcome_unknown']

/** `atp calls list` */
export function defineCalls(calls: Command, io: CliIo): void {
  const output = createOutput(io)
  addExamples(calls, ['atp calls list --limit 20'])
  const list = calls
    .command('list')
    .description('list calls, newest first; params and results are not in the log')
    .option('--toolkit <name>', 'only calls of this toolkit: name, slug or id')
    .option('--tool <name>', 'only calls of this tool')
    .addOption(new Option('--status <status>', 'only calls that ended so').choices(statuses))
    .option('--limit <count>', 'how many, at most 500 (default: 50)', readLimit)
    .option('--before <id>', 'only calls before this one; the page before says which')
  addExamples(addRequestOptions(list), [
    'atp calls list --toolkit workspace --limit 20',
    'atp calls list --status failed',
    'atp calls list --json',
  ]).action(async (options: ListOptions) => {
    const { toolkit, tool, status, limit, before } = options
    const client = createAdminClient(await readConnection(options, io, 'admin'))
    const found = await client.calls({ toolkit, tool, status, limit, before })
    if (options.json) return output.json(found)
    const more = found.next_before === null ? '' : ` For older ones: --before ${found.next_before}`
    if (found.calls.length === 0) return output.note(`There are no such calls.${more}`)
    output.table(
      ['STARTED', 'TOOLKIT', 'TOOL', 'STATUS', 'ERROR', 'MS', 'ID'],
      found.calls.map((call) => [
        localTime(call.started_at),
        call.toolkit,
        call.tool,
        statusCell(call.status),
        call.error_code ?? '-',
        call.duration_ms.toFixed(1),
        call.id,
      ]),
    )
    if (more) output.note(more.trim())
  })
}

function readLimit(text: string): string {
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= 500) return text
  throw new InvalidArgumentError('Give a whole number from 1 to 500.')
}

function statusCell(status: string): Cell {
  if (status === 'succeeded') return { text: status, style: 'green' }
  return { text: status, style: status === 'cancelled' ? 'yellow' : 'red' }
}
