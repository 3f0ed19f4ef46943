import type { FaultResult } from '../run-faults.ts'

const header = ['fault', 'runs', 'calls', 'lost', 'doubled', 'unknown', 'slowest recovery', 'rules']

/** The results as a Markdown table, with what was seen beside the figures below it. Reads well as plain text, too. */
export function formatTable(results: readonly FaultResult[]): string {
  const rows = [header, ...results.map(toCells)]
  const widths = header.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const toLine = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join(' | ')} |`
  const rule = `|${widths.map((width, column) => (isFigure(column) ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2))).join('|')}|`
  const [head = [], ...body] = rows
  const notes = results.flatMap(toNotes).map((note) => `- ${note}`)
  return `${[toLine(head), rule, ...body.map(toLine), ...(notes.length > 0 ? ['', ...notes] : [])].join('\n')}\n`
}

const isFigure = (column: number): boolean => column > 0 && column < header.length - 1

function pad(cell: string, width: number, column: number): string {
  return isFigure(column) ? cell.padStart(width) : cell.padEnd(width)
}

function toCells(result: FaultResult): string[] {
  const { name } = result
  if ('leftOut' in result) return [name, '-', '-', '-', '-', '-', '-', 'left out']
  if ('failure' in result) return [name, '-', '-', '-', '-', '-', '-', 'could not run']
  const { runs, calls, lost, doubled, unknown, slowestRecoveryMs, violations } = result.report
  const figures = [runs, calls, lost, doubled, unknown].map((figure) => figure.toLocaleString('en-US'))
  const recovery = slowestRecoveryMs === null ? '-' : `${(slowestRecoveryMs / 1_000).toFixed(1)} s`
  return [name, ...figures, recovery, violations.length === 0 ? 'kept' : `BROKEN ${violations.length} times`]
}

function toNotes(result: FaultResult): string[] {
  const { name } = result
  if ('leftOut' in result) return [`\`${name}\` was left out: ${result.leftOut}.`]
  if ('failure' in result) return [`\`${name}\` could not run: ${result.failure.split('\n')[0]}`]
  const { notes, violations } = result.report
  const told = [...Map.groupBy(violations, ({ rule }) => rule)].map(([rule, breaches]) => {
    // One is enough to look for the reason.
    return `**${rule}** was broken ${breaches.length} times, such as: ${breaches[0]?.text}.`
  })
  return [...new Set([...notes, ...told])].map((note) => `\`${name}\`: ${note}`)
}
