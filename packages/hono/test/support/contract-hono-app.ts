import {
  createContractMounts,
  guardHeader,
  guardValue,
  ownRoutePath,
  ownRoutePosted,
  ownRouteText,
} from '@atp/testing/contract-app'
import { Hono, type MiddlewareHandler } from 'hono'
import { atp } from '../../src/index.ts'

/** The contract's mounts in a Hono app, the same on every runtime. */
export function createContractHonoApp(): Hono {
  const app = new Hono()
  app.get(ownRoutePath, (c) => c.text(ownRouteText))
  app.post(ownRoutePath, (c) => c.text(ownRoutePosted))
  for (const { prefix, source, options, parsedFirst, guarded } of createContractMounts()) {
    if (guarded) app.use(`${prefix}/*`, guard)
    if (parsedFirst) app.use(`${prefix}/*`, readBody)
    app.route(prefix === '' ? '/' : prefix, atp(source, options))
  }
  return app
}

const guard: MiddlewareHandler = async (c, next) => {
  if (c.req.header(guardHeader) !== guardValue) return c.text('No session', 403)
  return next()
}

/** What a validator of the app does; a body that it cannot read is left to the routes. */
const readBody: MiddlewareHandler = async (c, next) => {
  const isForm = /form/.test(c.req.header('content-type') ?? '')
  await (isForm ? c.req.parseBody() : c.req.json()).catch(() => {})
  await next()
}
