import type { BenchRow } from '../bench-row.ts'
import { compareRoutes } from '../systems/compare-routes.ts'

/** What an `@atp/hono` mount costs beside a route of Hono's own. */
export const row: BenchRow = {
  id: 'hono',
  summary: 'POST through @atp/hono, beside the same route by hand and the bare one (c = 64)',
  run: (context) => compareRoutes(context, 'hono', 'hono'),
}
