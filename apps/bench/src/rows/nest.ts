import type { BenchRow } from '../bench-row.ts'
import { compareRoutes } from '../systems/compare-routes.ts'

/** What an `AtpModule` costs beside a controller of the app's own, on both of Nest's platforms. */
export const row: BenchRow = {
  id: 'nest',
  summary: 'POST through @atp/nest on Express and on Fastify, beside the same route by hand and the bare one (c = 64)',
  run: async (context) => [
    ...(await compareRoutes(context, 'nest', 'nest')),
    ...(await compareRoutes(context, 'nest', 'nest-on-fastify')),
  ],
}
