import { defineConfig } from 'vitest/config'
export default defineConfig({ resolve: { alias: { '@atp/core': '/tmp/wt/core-index.ts' } }, server: { fs: { strict: false } }, test: { include: ['test/**/*.test.ts'] } })
