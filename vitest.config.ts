import { defineConfig, mergeConfig } from 'vitest/config'
import type { Reporter } from 'vitest/node'
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

export default mergeConfig(
  shared,
  defineConfig({
    test: {
      projects: ['packages/*', 'apps/*', 'scripts'],
      reporters: [process.env.CI ? 'dot' : 'default', countLine],
      coverage: { provider: 'v8', include: ['packages/*/src/**/*.ts'], exclude: ['**/*.test-d.ts', '**/*.d.ts'] },
    },
  }),
)
