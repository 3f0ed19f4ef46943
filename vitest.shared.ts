import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

const conditions = ['@atp/source', ...defaultServerConditions]

/** What every package's vitest config is merged with: workspace packages resolve to their sources, so no build is needed. */
export const shared = defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    setupFiles: [fileURLToPath(new URL('./vitest.setup.ts', import.meta.url))],
    // Tests wait more than they compute: on two cores, three workers leave the least of the time unused.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    // Generous: a busy machine must not fail a test that only waits for something to happen.
    testTimeout: 20_000,
    hookTimeout: 20_000,
    expect: { poll: { timeout: 10_000 } },
  },
})
