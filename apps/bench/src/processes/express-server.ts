import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { atpRouter } from '@atp/express'
import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
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
  const app = express().disable('x-powered-by')
  mountEcho[kind](app)
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port }
})

const mountEcho: Record<RouteKind, (app: express.Express) => void> = {
  ours: (app) => void app.use(atpRouter(createEchoToolkit())),

  hand(app) {
    app.post(echoPath, checkKey, express.json({ limit: maxBodyBytes }), async (request, response) => {
      const args = echoSchema.safeParse(request.body)
      if (args.success) response.json({ result: await withDeadline(echo(args.data)) })
      else response.status(400).json({ error: args.error.issues[0]?.message })
    })
    app.use(answerError)
  },

  bare(app) {
    app.post(echoPath, express.json(), (request, response) => void response.json({ result: request.body }))
  },
}

const checkKey: RequestHandler = (request, response, next) => {
  if (holdsKey(request.headers.authorization)) next()
  else response.status(401).json({ error: 'The key is not valid' })
}

const answerError: ErrorRequestHandler = (error: Error & { status?: number }, _request, response, _next) => {
  const status = error instanceof DeadlineError ? 504 : (error.status ?? 500)
  response.status(status).json({ error: status === 500 ? 'Something went wrong' : error.message })
}
