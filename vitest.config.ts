import { defineConfig, mergeConfig } from 'vitest/config'
import { BaseSequencer, type Reporter, type TestSpecification } from 'vitest/node'
import { shared } from './vitest.shared.ts'

/** The plain last line that a script can read, after the reporter for people. */
const countLine: Reporter = {
  onTestRunEnd(modules) {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[test.result().state] += 1
      // A file that does not even load has no tests, and must not look like one.
      if (module.errors().length > 0) counts.failed += 1
    }
    const skipped = counts.skipped + counts.pending
    process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed${skipped ? `, ${skipped} skipped` : ''}\n`)
  },
}

/** What takes longest, which would leave the other workers waiting at the end if it began last. */
const slowest = [
  'faults/test/faults/smoke.test.ts',
  'server/test/e2e/kill-under-writes.test.ts',
  'server/test/store/postgres.test.ts',
  'server/test/e2e/back-pressure.test.ts',
  'server/test/compat/',
  'nest/test/routes.contract.test.ts',
  'bench/test/rows/',
  'cli/test/dev/',
  'server/test/e2e/',
]

/** Begins with the slowest files: a fresh clone knows nothing of how long each took the last time. */
class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = slowest.findIndex((part) => moduleId.includes(part))
      return at === -1 ? slowest.length : at
    }
    const sorted = await super.sort(files)
    return sorted.sort((one, two) => rank(one) - rank(two))
  }
}

export default mergeConfig(
  shared,
  defineConfig({
    test: {
      projects: ['packages/*', 'apps/*', 'scripts'],
      sequence: { sequencer: SlowestFirst },
      reporters: [process.env.CI ? 'dot' : 'default', countLine],
      coverage: { provider: 'v8', include: ['packages/*/src/**/*.ts'], exclude: ['**/*.test-d.ts', '**/*.d.ts'] },
    },
  }),
)
