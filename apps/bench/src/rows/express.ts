import type { BenchRow } from '../bench-row.ts'
import { compareRoutes } from '../systems/compare-routes.ts'

/** What an `@atp/express` mount costs beside a route of Express's own. */
export const row: BenchRow = {
  id: 'express',
  summary: 'POST through @atp/express, beside the same route by hand and the bare one (c = 64)',
  run: (context) => compareRoutes(context, 'express', 'express'),
}
