import type { RouteKind } from '../load/echo-route.ts'
import { checkRoute } from './check-route.ts'
import type { LoadSystem } from './load-system.ts'

/** A framework, or a platform of one; the process is `processes/FRAMEWORK-server.ts`. */
export type Framework = 'express' | 'fastify' | 'hono' | 'nest' | 'nest-on-fastify'

/** The echo as an HTTP route of a framework: one process serves it, a second calls it. */
export function routeSystem(framework: Framework, kind: RouteKind): LoadSystem {
  return {
    name: `${framework} ${kind}`,
    async start(children) {
      const server = await children.start(`${framework}-server`, { data: { kind } })
      const { port } = server.started as { port: number }
      await checkRoute(port, kind)
      const load = await children.start('http-load', { data: { port } })
      return { server, load, processes: [load, server] }
    },
  }
}
