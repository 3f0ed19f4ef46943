import type { AddressInfo } from 'node:net'
import { atp } from '@atp/fastify'
import { type FastifyInstance, fastify, type onRequestHookHandler } from 'fastify'
import { serveParent } from '../children/serve-parent.ts'
import {
  createEchoToolkit,
  DeadlineError,
  echo,
  echoPath,
  echoSchema,
  holdsKey,
  maxBodyBytes,
  type RouteData,
  type RouteKind,
  withDeadline,
} from '../load/echo-route.ts'

serveParent(async ({ kind }: RouteData) => {
  const app = fastify()
  mountEcho[kind](app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { port: (app.server.address() as AddressInfo).port }
})

const mountEcho: Record<RouteKind, (app: FastifyInstance) => void> = {
  ours: (app) => void app.register(atp, { client: createEchoToolkit() }),

  hand(app) {
    app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
      const status = error instanceof DeadlineError ? 504 : (error.statusCode ?? 500)
      return reply.code(status).send({ error: status === 500 ? 'Something went wrong' : error.message })
    })
    app.post(echoPath, { bodyLimit: maxBodyBytes, onRequest: checkKey }, async (request, reply) => {
      const args = echoSchema.safeParse(request.body)
      if (args.success) return { result: await withDeadline(echo(args.data)) }
      return reply.code(400).send({ error: args.error.issues[0]?.message })
    })
  },

  bare: (app) => void app.post(echoPath, async (request) => ({ result: request.body })),
}

const checkKey: onRequestHookHandler = (request, reply, done) => {
  if (holdsKey(request.headers.authorization)) done()
  else reply.code(401).send({ error: 'The key is not valid' })
}
