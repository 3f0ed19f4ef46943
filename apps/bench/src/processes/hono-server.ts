import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { atp } from '@atp/hono'
import { serve } from '@hono/node-server'
import { Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { validator } from 'hono/validator'
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
  const app = new Hono()
  mountEcho[kind](app)
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port }
})

const mountEcho: Record<RouteKind, (app: Hono) => void> = {
  ours: (app) => void app.route('/', atp(createEchoToolkit())),

  hand(app) {
    const validate = validator('json', (value, c) => {
      const args = echoSchema.safeParse(value)
      return args.success ? args.data : c.json({ error: args.error.issues[0]?.message }, 400)
    })
    app.post(echoPath, checkKey, limitBody, validate, async (c) => {
      return c.json({ result: await withDeadline(echo(c.req.valid('json'))) })
    })
    app.onError((error, c) => {
      if ('getResponse' in error) return error.getResponse()
      return c.json({ error: error.message }, error instanceof DeadlineError ? 504 : 500)
    })
  },

  bare: (app) => void app.post(echoPath, async (c) => c.json({ result: await c.req.json() })),
}

const limitWhileReading = bodyLimit({ maxSize: maxBodyBytes })

/** Hono's own limit builds a whole web request of Node's to look into, so it is kept for bodies that tell no length. */
const limitBody: MiddlewareHandler = async (c, next) => {
  const length = c.req.header('content-length')
  if (length === undefined) return limitWhileReading(c, next)
  if (Number(length) <= maxBodyBytes) return next()
  return c.json({ error: 'The body is too large' }, 413)
}

const checkKey: MiddlewareHandler = async (c, next) => {
  if (holdsKey(c.req.header('authorization'))) return next()
  return c.json({ error: 'The key is not valid' }, 401)
}
