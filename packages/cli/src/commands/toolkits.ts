import type { Command } from 'commander'
import { createAdminClient } from '../admin-client.ts'
import type { CliIo } from '../cli-io.ts'
import { type Cell, createOutput } from '../output.ts'
import { localTime } from '../plain-text.ts'
import { readConnection } from '../settings.ts'
import { addExamples, addRequestOptions, type RequestOptions } from './shared-options.ts'

/** `atp toolkits list` */
export function defineToolkits(toolkits: Command, io: CliIo): void {
  const output = createOutput(io)
  addExamples(toolkits, ['atp toolkits list'])
  const list = toolkits.command('list').description('list toolkits, and how many processes serve each of them now')
  addExamples(addRequestOptions(list), ['atp toolkits list', 'atp toolkits list --json']).action(
    async (options: RequestOptions) => {
      const found = await createAdminClient(await readConnection(options, io, 'admin')).toolkits()
      if (options.json) return output.json(found)
      if (found.toolkits.length === 0) return output.note('There are no toolkits: connect one with a toolkit key.')
      output.table(
        ['NAME', 'TOOLS', 'CONNECTED', 'UPDATED', 'SLUG', 'ID'],
        found.toolkits.map(({ name, tool_count, connected, updated_at, slug, id }) => [
          name,
          tool_count,
          connectedCell(connected),
          localTime(updated_at),
          slug,
          id,
        ]),
      )
    },
  )
}

function connectedCell(count: number): Cell {
  return count > 0 ? { text: String(count), style: 'green' } : { text: 'no', style: 'yellow' }
}
