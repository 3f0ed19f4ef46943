import type { Command } from 'commander'
import { createAdminClient } from '../admin-client.ts'
import { statusCell } from '../calls/call-cells.ts'
import { createCallLine } from '../calls/call-line.ts'
import { addCallFilters, type CallFilterOptions, filterQuery, readLimit, readSince } from '../calls/call-options.ts'
import { defineDead } from '../calls/dead-commands.ts'
import { showCall } from '../calls/show-call.ts'
import { tailCalls } from '../calls/tail-calls.ts'
import type { CliIo } from '../cli-io.ts'
import { createOutput, hasColours } from '../output.ts'
import { localTime } from '../plain-text.ts'
import { readConnection } from '../settings.ts'
import { addConnectionOptions, addExamples, addRequestOptions, type RequestOptions } from './shared-options.ts'

interface ListOptions extends RequestOptions, CallFilterOptions {
  since?: number
  limit?: string
  before?: string
}

interface TailOptions extends RequestOptions, CallFilterOptions {}

/** `atp calls list|show|tail|dead` */
export function defineCalls(calls: Command, io: CliIo): void {
  addExamples(calls, ['atp calls list --limit 20', 'atp calls tail --toolkit workspace', 'atp calls dead list'])
  defineList(calls, io)
  defineShow(calls, io)
  defineTail(calls, io)
  defineDead(calls, io)
}

function defineList(calls: Command, io: CliIo): void {
  const output = createOutput(io)
  const list = calls.command('list').description('list calls, newest first; params and results are not in the log')
  addCallFilters(list)
    .option('--since <time>', 'only calls accepted since then: how long ago (10m, 2h, 7d) or a time', (text) =>
      readSince(text),
    )
    .option('--limit <count>', 'how many, at most 500 (default: 50)', readLimit)
    .option('--before <id>', 'only calls before this one; the page before says which')
  addExamples(addRequestOptions(list), [
    'atp calls list --toolkit workspace --limit 20',
    'atp calls list --status failed --since 10m',
    'atp calls list --error toolkit_offline --json',
  ]).action(async (options: ListOptions) => {
    const { limit, before } = options
    const client = createAdminClient(await readConnection(options, io, 'admin'))
    const since = options.since?.toString()
    const found = await client.calls.list({ ...filterQuery(options), since, limit, before })
    if (options.json) return output.json(found)
    const more = found.next_before === null ? '' : ` For older ones: --before ${found.next_before}`
    if (found.calls.length === 0) return output.note(`There are no such calls.${more}`)
    output.table(
      ['STARTED', 'TOOLKIT', 'TOOL', 'STATUS', 'ERROR', 'MS', 'DELIVERY', 'ID'],
      found.calls.map((call) => [
        localTime(call.started_at),
        call.toolkit,
        call.tool,
        statusCell(call.status),
        call.error_code ?? '-',
        call.duration_ms.toFixed(1),
        call.delivery,
        call.id,
      ]),
    )
    if (more) output.note(more.trim())
  })
}

function defineShow(calls: Command, io: CliIo): void {
  const output = createOutput(io)
  const show = calls
    .command('show')
    .description('show all that is kept of one call')
    .argument('<id>', 'the id of the call, from atp calls list')
  addExamples(addRequestOptions(show), ['atp calls show 0198c0de-0000-7000-8000-000000000001']).action(
    async (id: string, options: RequestOptions) => {
      const call = await createAdminClient(await readConnection(options, io, 'admin')).calls.find(id)
      if (options.json) return output.json(call)
      showCall(call, output)
    },
  )
}

function defineTail(calls: Command, io: CliIo): void {
  const output = createOutput(io)
  const tail = calls.command('tail').description('show calls as they end, until Ctrl-C')
  addConnectionOptions(addCallFilters(tail).option('--json', 'print one JSON value a line'))
  addExamples(tail, [
    'atp calls tail',
    'atp calls tail --toolkit workspace --status failed',
    'atp calls tail --json | jq .duration_ms',
  ]).action(async (options: TailOptions) => {
    const connection = await readConnection(options, io, 'admin')
    const line = createCallLine(hasColours(io.stdout, io.env))
    await tailCalls({
      calls: createAdminClient(connection).calls,
      filter: filterQuery(options),
      baseUrl: connection.baseUrl,
      // What others wrote is safe for a terminal in both: the line by itself, JSON on its way out.
      show: (call) => (options.json ? output.line(JSON.stringify(call)) : void io.stdout.write(`${line(call)}\n`)),
      note: output.note,
      io,
    })
  })
}
