import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Processes } from './children/processes.ts'
import type { FaultContext } from './fault.ts'
import { faults } from './faults.ts'
import { mutants } from './mutants/mutants.ts'
import { formatMutants, runMutants } from './mutants/run-mutants.ts'
import { type FaultOptions, readOptions } from './options.ts'
import { formatTable } from './report/format-table.ts'
import { writeSection } from './report/write-section.ts'
import { addUp, allKept, type FaultResult, runFaults } from './run-faults.ts'
import { findDatabase } from './scene/schema.ts'

const page = fileURLToPath(new URL('../../../docs/reliability.md', import.meta.url))
const out = (text: string): void => void process.stdout.write(text)
const err = (text: string): void => void process.stderr.write(text)

const options = readOptions(process.argv.slice(2), faults, { out, err })
process.exitCode = 'exitCode' in options ? options.exitCode : await test(options)

async function test(options: FaultOptions): Promise<0 | 1> {
  const { size, databaseUrl } = options
  // The children go with this process.
  for (const [signal, exitCode] of [['SIGINT', 130] as const, ['SIGTERM', 143] as const]) {
    process.once(signal, () => process.exit(exitCode))
  }
  const startedAt = performance.now()
  const progress = (line: string): void => {
    err(
      `${Math.round((performance.now() - startedAt) / 1_000)
        .toString()
        .padStart(5)} s  ${line}\n`,
    )
  }
  const database = await findDatabase(databaseUrl)
  const context: FaultContext = { processes: new Processes(), size, database, serverEntry: undefined, progress }
  return options.mutants ? testMutants(options, context) : testFaults(options, context)
}

async function testFaults(
  { faults: chosen, times, size, json, write }: FaultOptions,
  context: FaultContext,
): Promise<0 | 1> {
  const runs: FaultResult[][] = []
  for (let time = 1; time <= times; time += 1) {
    if (times > 1) context.progress(`time ${time} of ${times}`)
    runs.push(await runFaults(chosen, context))
  }
  const results = addUp(runs)
  const table = formatTable(results)
  out(`\n${table}`)
  if (json !== undefined) await writeFile(json, `${JSON.stringify(results, null, 2)}\n`)
  if (write) await writeSection(page, 'faults', `${howItRan(size, times)}\n\n${table}`)
  return allKept(results) ? 0 : 1
}

async function testMutants({ json, write }: FaultOptions, context: FaultContext): Promise<0 | 1> {
  const results = await runMutants(mutants, faults, context)
  const table = formatMutants(results)
  out(`\n${table}`)
  if (json !== undefined) await writeFile(json, `${JSON.stringify(results, null, 2)}\n`)
  if (write) await writeSection(page, 'mutants', `\n${table}`)
  return results.every(({ caught }) => caught) ? 0 : 1
}

function howItRan(size: FaultOptions['size'], times: number): string {
  const often = times === 1 ? 'once' : `${times} times in a row`
  const day = new Date().toISOString().slice(0, 10)
  return `\nRun ${often} on ${day} with \`--${size}\`, on ${availableParallelism()} cores with Node ${process.version}.`
}
