import type { BenchRow, RowContext } from '../bench-row.ts'
import type { MemoryUse } from '../children/serve-parent.ts'
import { type BenchResult, toBenchResult } from '../report/bench-result.ts'
import { atMost } from '../report/budget.ts'
import { formatFigure } from '../report/format-table.ts'
import { median } from '../report/statistics.ts'
import type { AtpServerInfo, KeysRequest } from '../systems/atp-system.ts'

/** What connected toolkits that do nothing cost the server. */
export const row: BenchRow = {
  id: 'idle',
  summary: 'memory of the server for each of 5,000 idle connected toolkits',
  run: (context) => measureIdle(context, 5_000),
}

/** Connected before the first look at the memory: what the first toolkits load into the process is not theirs. */
const warmUpCount = 100
/** The limits that keep one machine from opening so many sockets at once. */
const limits = { connectsPerSecond: 1_000_000 }
const timeoutMs = 180_000

/** Measures with `count` toolkits, each with a key, a name and a tool of its own. */
export async function measureIdle(context: RowContext, count: number): Promise<BenchResult[]> {
  const growths: Growth[] = []
  for (let run = 1; run <= context.runs; run++) {
    const growth = await measureGrowth(context, count)
    growths.push(growth)
    context.progress(`run ${run}/${context.runs} ${formatFigure(growth.rssKB)} KB for each of ${count}`)
  }
  return [
    toBenchResult({
      id: 'idle',
      what: `server memory (RSS) for each idle toolkit, ${formatFigure(count)} connected`,
      unit: 'KB',
      ours: median(growths.map((growth) => growth.rssKB)),
      budget: atMost(60),
      notes: [
        `of that ${formatFigure(median(growths.map((growth) => growth.heapKB)))} KB are objects of the JavaScript heap`,
      ],
    }),
  ]
}

/** For each toolkit, in KB of 1,024 bytes. */
interface Growth {
  rssKB: number
  heapKB: number
}

async function measureGrowth(context: RowContext, count: number): Promise<Growth> {
  const server = await context.children.start('atp-server', { data: { limits }, nodeFlags: ['--expose-gc'] })
  const { url } = server.started as AtpServerInfo
  const toolkits = await context.children.start('bare-toolkits')
  const connect = async (prefix: string, howMany: number): Promise<void> => {
    const request: KeysRequest = { kind: 'toolkit', prefix, count: howMany }
    const keys = await server.ask<string[]>('keys', request, timeoutMs)
    await toolkits.ask('connect', { url, prefix, keys }, timeoutMs)
  }
  await connect('warm-up', warmUpCount)
  const before = await server.ask<MemoryUse>('memory')
  await connect('idle', count)
  const after = await server.ask<MemoryUse>('memory')
  const { connected } = await toolkits.ask<{ connected: number }>('count')
  if (connected !== warmUpCount + count) throw new Error(`Only ${connected} toolkits stayed connected`)
  await Promise.all([toolkits.stop(), server.stop()])
  const each = (figure: (use: MemoryUse) => number): number => (figure(after) - figure(before)) / count / 1024
  return { rssKB: each((use) => use.rss), heapKB: each((use) => use.heapUsed) }
}
