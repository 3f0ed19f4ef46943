import { AtpError } from '@atp/core'
import type { FastifyInstance } from 'fastify'
import { type Metrics, metricsContentType } from '../metrics/create-metrics.ts'
import { keyOf, type RouteAccess } from './route-access.ts'

/** Who may read `/metrics`: everybody who reaches the server, its admin keys, nobody. */
export type MetricsAccess = 'open' | 'admin' | 'off'

/** What the metrics route needs. */
export interface MetricsHttpOptions {
  metrics: Metrics
  access: MetricsAccess
  /**
   * The id of the project whose admin keys may read them: metrics name the toolkits of all projects, which those of
   * another one must not see (rule K8).
   */
  operatorProject: () => Promise<string>
}

/**
 * Who may read metrics when nothing is said: everybody where only this machine reaches the server, and nobody without a
 * key elsewhere. Behind a proxy the loopback is no border.
 */
export function defaultMetricsAccess(listener: { loopback: boolean; behindProxy: boolean }): MetricsAccess {
  return listener.loopback && !listener.behindProxy ? 'open' : 'admin'
}

/** `/metrics`, in the text format of Prometheus. */
export function registerMetricsHttp(app: FastifyInstance, options: MetricsHttpOptions): void {
  const { metrics, access, operatorProject } = options
  if (access === 'off') return
  const route: { config: { access: RouteAccess } } = {
    config: { access: access === 'open' ? 'open' : { kind: 'admin' } },
  }
  app.get('/metrics', route, async (request, reply) => {
    if (access === 'admin' && keyOf(request).projectId !== (await operatorProject())) {
      throw new AtpError('forbidden', 'Metrics are of the whole server; use an admin key of its default project')
    }
    return reply
      .type(metricsContentType)
      .header('cache-control', 'no-store')
      .send(await metrics.text())
  })
}
