import type { FastifyInstance } from 'fastify'
import type { RouteAccess } from './route-access.ts'

const open: { config: { access: RouteAccess } } = { config: { access: 'open' } }

/**
 * `/healthz` says that the process lives and asks nothing else; `/readyz` says whether it takes work: the database
 * answers and no shutdown is under way (rule S4). Both are open to everybody: however many ask at once, the database is
 * asked once.
 */
export function registerHealthHttp(app: FastifyInstance, isReady: () => Promise<boolean>): void {
  let asked: Promise<boolean> | undefined
  const askOnce = (): Promise<boolean> => {
    asked ??= isReady().finally(() => {
      asked = undefined
    })
    return asked
  }
  app.get('/healthz', open, async () => ({ status: 'ok' }))
  app.get('/readyz', open, async (_request, reply) => {
    const ready = await askOnce()
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready' })
  })
}
