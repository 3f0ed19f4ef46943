import type { Command } from 'commander'
import { type AdminClient, createAdminClient } from '../admin-client.ts'
import type { CliIo } from '../cli-io.ts'
import { addExamples, addRequestOptions, type RequestOptions } from '../commands/shared-options.ts'
import { createOutput } from '../output.ts'
import { localTime } from '../plain-text.ts'
import { readConnection } from '../settings.ts'
import { readLimit } from './call-options.ts'

interface ListOptions extends RequestOptions {
  limit?: string
  before?: string
}

/** `atp calls dead list|retry|drop` */
export function defineDead(calls: Command, io: CliIo): void {
  const output = createOutput(io)
  const client = async (options: RequestOptions): Promise<AdminClient['calls']> =>
    createAdminClient(await readConnection(options, io, 'admin')).calls
  const dead = calls.command('dead').description('calls that their toolkit was given too often without running them')
  addExamples(dead, ['atp calls dead list', 'atp calls dead retry 0198c0de-0000-7000-8000-000000000001'])

  const list = dead
    .command('list')
    .description('list dead calls, newest first')
    .option('--limit <count>', 'how many, at most 500 (default: 50)', readLimit)
    .option('--before <id>', 'only calls before this one; the page before says which')
  addExamples(addRequestOptions(list), ['atp calls dead list', 'atp calls dead list --json']).action(
    async ({ limit, before, ...options }: ListOptions) => {
      const found = await (await client(options)).dead({ limit, before })
      if (options.json) return output.json(found)
      if (found.calls.length === 0) return output.note('There are no dead calls.')
      output.table(
        ['ACCEPTED', 'TOOLKIT', 'TOOL', 'DELIVERIES', 'RETRIED AS', 'ID'],
        found.calls.map((call) => [
          localTime(call.created_at),
          call.toolkit,
          call.tool,
          call.deliveries,
          call.retried_as ?? '-',
          call.id,
        ]),
      )
      if (found.next_before !== null) output.note(`For older ones: --before ${found.next_before}`)
    },
  )

  const retry = dead
    .command('retry')
    .description('deliver a dead call again, as a new call')
    .argument('<id>', 'the id of the dead call, from atp calls dead list')
  addExamples(addRequestOptions(retry), ['atp calls dead retry 0198c0de-0000-7000-8000-000000000001']).action(
    async (id: string, options: RequestOptions) => {
      const retried = await (await client(options)).retry(id)
      if (options.json) return output.json(retried)
      // Alone on stdout, so that $(atp calls dead retry …) is the new call's id.
      output.line(retried.call_id)
      output.note(`Call ${id} is delivered again as ${retried.call_id}.`)
    },
  )

  const drop = dead
    .command('drop')
    .description('delete a dead call for good; its line in the call log stays')
    .argument('<id>', 'the id of the dead call, from atp calls dead list')
  addExamples(addRequestOptions(drop), ['atp calls dead drop 0198c0de-0000-7000-8000-000000000001']).action(
    async (id: string, options: RequestOptions) => {
      await (await client(options)).drop(id)
      if (options.json) return output.json({ id, dropped: true })
      output.line(`Dropped the dead call ${id}.`)
    },
  )
}
