import type { BenchRow, RowContext } from '../bench-row.ts'
import { type BenchResult, toBenchResult } from '../report/bench-result.ts'
import { atLeast } from '../report/budget.ts'
import { formatFigure } from '../report/format-table.ts'
import { median, medianPair } from '../report/statistics.ts'
import type { RegisterAnswer, SearchAnswer, UtcpToolsData } from '../systems/utcp-tools-system.ts'

/** What finding and registering tools costs a UTCP client. */
export const row: BenchRow = {
  id: 'utcp',
  summary: 'UTCP search and registering with 100 to 100,000 tools, beside @utcp/sdk (same strategy, new queries)',
  run: (context) => measureTools(context, [100, 1_000, 10_000, 100_000]),
}

/** The size that the budgets are for. */
const budgetSize = 10_000
/** 100,000 tools take the peer the best part of a minute, each time they are registered. */
const mostOfPeer = 10_000
const budgets = { search: atLeast(200), register: atLeast(8) }
/** How often a manual is registered in one run; each time by a new client. */
const registrations = 3
/** Enough for a median, and no memory to speak of. */
const mostSearches = 20_000
const timeoutMs = 300_000

/** Measures both clients with manuals of these sizes, each in a process of its own. */
export async function measureTools(context: RowContext, sizes: readonly number[]): Promise<BenchResult[]> {
  const results: BenchResult[] = []
  for (const size of sizes) {
    const withPeer = size <= mostOfPeer
    const runs: { ours: Sample; peer: Sample | undefined }[] = []
    for (let run = 1; run <= context.runs; run++) {
      const ours = await sample(context, { client: 'ours', size })
      const peer = withPeer ? await sample(context, { client: 'sdk', size }) : undefined
      runs.push({ ours, peer })
      context.progress(
        `run ${run}/${context.runs} ${formatFigure(size)} tools: ${describe(ours)}${peer ? `; SDK ${describe(peer)}` : ''}`,
      )
    }
    const left = withPeer
      ? []
      : [
          `@utcp/sdk is left out at ${formatFigure(size)} tools: registering them takes it the best part of a minute, each time`,
        ]
    const firstMs = median(runs.map(({ ours }) => ours.search.firstMs))
    const shared = { id: 'utcp', runs, isBudgeted: size === budgetSize }
    results.push(
      toResult({
        ...shared,
        what: `UTCP search, ${formatFigure(size)} tools`,
        unit: 'searches/s',
        figure: ({ search }) => 1_000 / search.medianMs,
        budget: budgets.search,
        notes: [`the first search, which builds the index, took ${formatFigure(firstMs)} ms`, ...left],
      }),
      toResult({
        ...shared,
        what: `UTCP registering ${formatFigure(size)} tools`,
        unit: 'tools/s',
        figure: ({ registerMs }) => (size * 1_000) / registerMs,
        budget: budgets.register,
        notes: [],
      }),
    )
  }
  return results
}

/** One client with one manual in one run. */
interface Sample {
  /** The median of several. */
  registerMs: number
  search: SearchAnswer
}

async function sample({ children, seconds }: RowContext, data: UtcpToolsData): Promise<Sample> {
  const child = await children.start('utcp-tools', { data, timeoutMs })
  const times: number[] = []
  for (let time = 0; time < registrations; time++) {
    times.push((await child.ask<RegisterAnswer>('register', null, timeoutMs)).ms)
  }
  const search = await child.ask<SearchAnswer>('search', { seconds, most: mostSearches }, timeoutMs)
  await child.stop()
  return { registerMs: median(times), search }
}

function describe({ registerMs, search }: Sample): string {
  return `search ${search.medianMs.toFixed(3)} ms (${search.count} queries), registering ${registerMs.toFixed(1)} ms`
}

interface ToResult {
  id: string
  what: string
  unit: string
  runs: readonly { ours: Sample; peer: Sample | undefined }[]
  figure: (sample: Sample) => number
  budget: ReturnType<typeof atLeast>
  isBudgeted: boolean
  notes: readonly string[]
}

function toResult({ id, what, unit, runs, figure, budget, isBudgeted, notes }: ToResult): BenchResult {
  const pairs = runs.flatMap(({ ours, peer }) => (peer ? [{ ours: figure(ours), peer: figure(peer) }] : []))
  const figures = pairs.length > 0 ? medianPair(pairs) : { ours: median(runs.map(({ ours }) => figure(ours))) }
  return toBenchResult({ id, what, unit, notes, ...figures, ...(isBudgeted ? { budget } : {}) })
}
