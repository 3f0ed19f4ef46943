import { Command, CommanderError, InvalidArgumentError } from 'commander'
import type { BenchRow } from './bench-row.ts'

/** What the command line says. */
export interface BenchOptions {
  rows: BenchRow[]
  seconds: number
  runs: number
  /** Where the results go as JSON. */
  json: string | undefined
  /** Whether a missed budget fails the command. */
  check: boolean
}

/** Why nothing is to be measured, and what the process ends with: 0 after `--help`, 2 after a mistake. */
export interface UsageExit {
  exitCode: 0 | 2
}

/** Where help and mistakes are written. */
export interface OptionOutput {
  out(text: string): void
  err(text: string): void
}

/** Reads the arguments; help and mistakes are written to `output` and end with a {@link UsageExit}. */
export function readOptions(
  args: readonly string[],
  rows: readonly BenchRow[],
  output: OptionOutput,
): BenchOptions | UsageExit {
  const command = new Command('bench')
    .description('Measures this repository beside its peers on this machine, and holds the ratios against budgets.')
    .option('--only <ids>', 'measure these rows only, separated by commas', (ids: string) => chosenRows(ids, rows))
    .option('--seconds <number>', 'how long one measurement takes', positiveNumber, 3)
    .option('--runs <number>', 'repeat each measurement; results are medians', positiveInteger, 3)
    .option('--json <file>', 'also write the results to a file, as one JSON array')
    .option('--check', 'exit with 1 when a budget is missed', false)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => output.out(text), writeErr: (text) => output.err(text) })
    .addHelpText('after', helpEnd(rows))
  try {
    command.parse([...args], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return { exitCode: error.exitCode === 0 ? 0 : 2 }
    throw error
  }
  const { only, seconds, runs, json, check } = command.opts<{
    only?: BenchRow[]
    seconds: number
    runs: number
    json?: string
    check: boolean
  }>()
  return { rows: only ?? [...rows], seconds, runs, json, check }
}

function helpEnd(rows: readonly BenchRow[]): string {
  const width = Math.max(...rows.map((row) => row.id.length))
  const lines = rows.map((row) => `  ${row.id.padEnd(width)}  ${row.summary}`)
  const examples = [
    '  npm run bench',
    '  npm run bench -- --only hub --seconds 5 --runs 5',
    '  npm run bench -- --json bench-results.json --check',
  ]
  const exits =
    '  0 everything was measured, 1 something could not run (with --check: or missed its budget), 2 wrong use'
  return ['', 'Rows:', ...lines, '', 'Examples:', ...examples, '', 'Exit codes:', exits].join('\n')
}

function chosenRows(ids: string, rows: readonly BenchRow[]): BenchRow[] {
  const wanted = ids.split(',').map((id) => id.trim())
  const known = rows.map((row) => row.id)
  const unknown = wanted.find((id) => !known.includes(id))
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no row "${unknown}"; use ${known.join(', ')}.`)
  return rows.filter((row) => wanted.includes(row.id))
}

function positiveNumber(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0 || value > 600) {
    throw new InvalidArgumentError('It must be a number above 0, at most 600.')
  }
  return value
}

function positiveInteger(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 100) {
    throw new InvalidArgumentError('It must be a whole number from 1 to 100.')
  }
  return value
}
