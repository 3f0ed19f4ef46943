import { Readable } from 'node:stream'
import type { AtpHttpOptions, Logger, ToolkitSource } from '@atp/core'
import { bodyError, createAtpHandler } from '@atp/core/http'
import type {
  FastifyError,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  FastifySchema,
  RegisterOptions,
  RouteHandlerMethod,
} from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { addBodyParsers, isParserError } from './bodies.ts'
import { fastifyLogger } from './fastify-logger.ts'
import { MountedRequest, RefusedRequest } from './mounted-request.ts'

/** How toolkits are mounted in a Fastify app, with Fastify's own `prefix`, `logLevel` and `logSerializers`. */
export interface AtpFastifyOptions extends AtpHttpOptions<FastifyRequest>, RegisterOptions {
  /** What is served: a toolkit, a list of them, or a registry, whose later registrations are served too. */
  client: ToolkitSource
  /** @default the app's log at the level `logLevel`; in an app that logs nothing, the toolkit's own logger */
  logger?: Logger | undefined
}

/** Serves toolkits below `/atp` of the scope it is registered in, and their UTCP manual beside it. */
const mountRoutes: FastifyPluginAsync<AtpFastifyOptions> = async (app, { client, ...options }) => {
  const log = options.logLevel ? app.log.child({}, { level: options.logLevel }) : app.log
  const handle = createAtpHandler(client, { ...options, logger: options.logger ?? fastifyLogger(log) })
  const depth = app.prefix.split('/').filter((segment) => segment !== '').length

  const answer = async (request: MountedRequest, reply: FastifyReply): Promise<unknown> => {
    const answered = await handle(request)
    // Fastify finds routes in the decoded URL, and without regard to case where the app says so; core does not.
    if (answered === undefined) return reply.callNotFound()
    reply.code(answered.status).headers(answered.headers)
    return typeof answered.body === 'object' ? toStream(answered.body) : answered.body
  }
  const handler: RouteHandlerMethod = (request, reply) => answer(new MountedRequest(request, reply, depth), reply)

  addBodyParsers(app)
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    if (!isParserError(error, request)) throw error
    const refusal = bodyError(error.statusCode, error.message)
    return answer(new RefusedRequest(request, reply, depth, refusal), reply)
  })

  // Fastify itself adds the form with a slash at the end, unless the app ignores those.
  const mount = (prefix: string, urls: readonly string[]): unknown =>
    app.register(
      async (scope) => {
        // Generators of API documentation leave them out: there is a document of our own.
        for (const url of urls) scope.all(url, { schema: { hide: true } as FastifySchema }, handler)
      },
      { prefix },
    )
  mount('/atp', ['/', '/*'])
  const { utcpPath = '/utcp' } = options
  if (utcpPath !== false) mount(utcpPath.replace(/\/$/, ''), ['/'])
}

/**
 * The routes of ATP as a Fastify plugin: `app.register(atp, { client })`. They live in a scope of their own, with the
 * hooks and parsers that the app registered before.
 * @throws AtpError `invalid_config`, `invalid_name` or `toolkit_name_conflict`, when the app becomes ready
 */
export const atp: FastifyPluginAsync<AtpFastifyOptions> = fastifyPlugin(mountRoutes, {
  fastify: '5.x',
  name: '@atp/fastify',
  encapsulate: true,
})

/** Begins with an empty text: headers leave with the first write, and the first event may be long in coming. */
function toStream(events: AsyncIterable<string>): Readable {
  const stream = Readable.from(events)
  stream.push('')
  return stream
}
