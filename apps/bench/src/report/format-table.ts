import type { BenchResult } from './bench-result.ts'

const header = ['id', 'what', 'ours', 'peer', 'unit', 'ratio', 'budget', 'pass', 'server CPU us/call']
/** Columns of figures stand to the right. */
const rightAligned = new Set([2, 3, 5, 8])

/** The results as a table of fixed columns, with the rows' notes below it. A missed budget prints MISS. */
export function formatTable(results: readonly BenchResult[]): string {
  const cells = [header, ...results.map(toCells)]
  const widths = header.map((_, column) => Math.max(...cells.map((row) => (row[column] as string).length)))
  const lines = cells.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] as number
        return rightAligned.has(column) ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd(),
  )
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '))
  const notes = results.flatMap((result) => result.notes.map((note) => `${result.id}: ${note}`))
  return `${[...lines, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n')}\n`
}

/** Three significant digits, and thousands apart: `41,200`, `46.3`, `0.78`. */
export function formatFigure(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  const rounded = Number(value.toPrecision(3))
  return rounded.toLocaleString('en-US', { maximumFractionDigits: 6, useGrouping: true })
}

function toCells(result: BenchResult): string[] {
  const { id, what, ours, peer, unit, ratio, budget, pass, serverCpu } = result
  return [
    id,
    what,
    formatFigure(ours),
    peer === null ? '-' : formatFigure(peer),
    unit,
    ratio === null ? '-' : formatFigure(ratio),
    budget ?? '-',
    pass === null ? '-' : pass ? 'yes' : 'MISS',
    serverCpu === null ? '-' : [serverCpu.ours, serverCpu.peer].map(formatCpu).join(' / '),
  ]
}

function formatCpu(value: number | null): string {
  return value === null ? '-' : formatFigure(value)
}
