import {
  createContractMounts,
  describeRoutes,
  describeUtcpInterop,
  guardHeader,
  guardValue,
  hostBodyLimit,
  ownRoutePath,
  ownRoutePosted,
  ownRouteText,
  type RoutesHost,
} from '@atp/testing'
import formbody from '@fastify/formbody'
import { fastify } from 'fastify'
import { atp } from '../src/index.ts'

async function start(): Promise<RoutesHost> {
  const app = fastify({ bodyLimit: hostBodyLimit })
  app.get(ownRoutePath, () => ownRouteText)
  app.post(ownRoutePath, () => ownRoutePosted)
  for (const { prefix, source, options, parsedFirst, guarded } of createContractMounts()) {
    app.register(async (scope) => {
      if (parsedFirst) await scope.register(formbody, { bodyLimit: hostBodyLimit })
      if (guarded) {
        scope.addHook('onRequest', async (request, reply) => {
          if (request.headers[guardHeader] !== guardValue) return reply.code(403).send('Sign in first')
        })
      }
      scope.register(atp, { client: source, ...options, prefix })
    })
  }
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return { url, fetch: (request) => fetch(request), close: () => app.close() }
}

describeRoutes('fastify', start)
describeUtcpInterop('fastify', start)
