import { defineConfig, mergeConfig } from 'vitest/config'
import { shared } from '../../vitest.shared.ts'

export default mergeConfig(
  shared,
  defineConfig({
    test: { name: 'cli', include: ['test/**/*.test.ts'], globalSetup: ['../server/test/support/services.ts'] },
  }),
)
