import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { BenchRow } from '../bench-row.ts'
import { toBenchResult } from '../report/bench-result.ts'
import { atMost } from '../report/budget.ts'
import { median } from '../report/statistics.ts'

const root = new URL('../../../../', import.meta.url)
const builtCli = fileURLToPath(new URL('packages/cli/dist/main.js', root))

/** How long a user waits for a server. */
export const row: BenchRow = {
  id: 'startup',
  summary: 'built CLI with an empty data folder, from spawn until /readyz answers 200',
  async run({ runs, children, progress }) {
    await buildCli()
    const launcher = await children.start('cli-launcher')
    const seconds: number[] = []
    for (let run = 1; run <= runs; run++) {
      const { readyMs } = await launcher.ask<{ readyMs: number }>('launch', { cli: builtCli })
      seconds.push(readyMs / 1000)
      progress(`run ${run}/${runs} ready after ${Math.round(readyMs)} ms`)
    }
    await launcher.stop()
    return [
      toBenchResult({
        id: 'startup',
        what: 'atp server --dev, spawn to /readyz, empty data folder',
        unit: 's',
        ours: median(seconds),
        budget: atMost(1),
        notes: [`each start: ${seconds.map((value) => value.toFixed(2)).join(', ')} s`],
      }),
    ]
  },
}

/** Old output would be measured otherwise, or none in a fresh clone. Does nothing when the output is up to date. */
async function buildCli(): Promise<void> {
  const compiler = fileURLToPath(new URL('node_modules/.bin/tsc', root))
  try {
    await promisify(execFile)(compiler, ['-b', 'packages/cli'], { cwd: fileURLToPath(root), timeout: 120_000 })
  } catch (error) {
    const { stdout, message } = error as Error & { stdout?: string }
    throw new Error(`Building packages/cli failed: ${(stdout?.trim() || message).slice(0, 1_000)}`, { cause: error })
  }
}
