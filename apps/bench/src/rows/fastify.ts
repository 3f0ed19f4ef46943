import type { BenchRow } from '../bench-row.ts'
import { compareRoutes } from '../systems/compare-routes.ts'

/** What an `@atp/fastify` mount costs beside a route of Fastify's own. */
export const row: BenchRow = {
  id: 'fastify',
  summary: 'POST through @atp/fastify, beside the same route by hand and the bare one (c = 64)',
  run: (context) => compareRoutes(context, 'fastify', 'fastify'),
}
