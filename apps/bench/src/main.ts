import { writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { Children } from './children/children.ts'
import { loadRows } from './load-rows.ts'
import { readOptions } from './options.ts'
import type { BenchResult } from './report/bench-result.ts'
import { describeMachine } from './report/describe-machine.ts'
import { formatTable } from './report/format-table.ts'
import { toJson } from './report/to-json.ts'
import { exitCodeOf, runRows } from './run-rows.ts'

const out = (text: string): void => void process.stdout.write(text)
const err = (text: string): void => void process.stderr.write(text)

const options = readOptions(process.argv.slice(2), await loadRows(), { out, err })
process.exitCode = 'exitCode' in options ? options.exitCode : await bench(options)

async function bench({
  rows,
  seconds,
  runs,
  json,
  check,
}: Exclude<typeof options, { exitCode: unknown }>): Promise<number> {
  const children = new Children()
  for (const [signal, exitCode] of [['SIGINT', 130] as const, ['SIGTERM', 143] as const]) {
    process.once(signal, () => {
      children.killAll()
      process.exit(exitCode)
    })
  }
  // A file that cannot be written is noticed now, not after minutes of measuring.
  if (json !== undefined && !(await writeJson(json, []))) return 1
  const [loadBefore = 0] = loadavg()
  const outcome = await runRows(rows, { seconds, runs, children, progress: (line) => err(`${line}\n`) })
  if (outcome.results.length > 0) out(`\n${formatTable(outcome.results)}\n`)
  out(describeMachine(loadBefore))
  for (const { id, reason } of outcome.failures) err(`${id} could not run: ${reason}\n`)
  if (json !== undefined && !(await writeJson(json, outcome.results))) return 1
  return exitCodeOf(outcome, check)
}

async function writeJson(file: string, results: readonly BenchResult[]): Promise<boolean> {
  try {
    await writeFile(file, toJson(results))
    return true
  } catch (error) {
    err(`The results cannot be written to ${file}: ${(error as Error).message}\n`)
    return false
  }
}
