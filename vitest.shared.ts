import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

/** What every package's vitest config is merged with: workspace packages resolve to their sources, so no build is needed. */
const conditions = ['@atp/source', ...defaultServerConditions]
export const shared = defineConfig({ resolve: { conditions }, ssr: { resolve: { conditions } } })
