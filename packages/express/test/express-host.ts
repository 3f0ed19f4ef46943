import {
  createContractMounts,
  guardHeader,
  guardValue,
  hostBodyLimit,
  ownRoutePath,
  ownRoutePosted,
  ownRouteText,
  type RoutesHost,
} from '@atp/testing'
import express from 'express'
import { atpRouter } from '../src/index.ts'
import { serve } from './serve.ts'

/** The contract app as an Express app. */
export async function startExpressHost(): Promise<RoutesHost> {
  const app = express()
  app.disable('x-powered-by')
  for (const { prefix, source, options, parsedFirst, guarded } of createContractMounts()) {
    const router = express.Router()
    if (guarded) router.use(guard)
    if (parsedFirst) router.use(express.json({ limit: hostBodyLimit }), express.urlencoded({ limit: hostBodyLimit }))
    router.use(atpRouter(source, options))
    app.use(prefix === '' ? '/' : prefix, router)
  }
  app
    .route(ownRoutePath)
    .get((_request, response) => void response.type('text').send(ownRouteText))
    .post((_request, response) => void response.type('text').send(ownRoutePosted))
  const { url, close } = await serve(app)
  return { url, close, fetch: (request) => fetch(request) }
}

const guard: express.RequestHandler = (request, response, next) => {
  if (request.get(guardHeader) === guardValue) next()
  else response.status(403).type('text').send('Forbidden')
}
