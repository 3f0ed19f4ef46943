import { Readable } from 'node:stream'
import { AtpError } from '@atp/core'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { KeyKind, StoredKey } from '../store/store.ts'
import { RequestsOfKeys } from './requests-of-keys.ts'

/** Who may use a route: everybody, or who shows a key of one kind. Every route says it in `config.access`. */
export type RouteAccess = 'open' | KeyAccess

/** A route that needs a key. */
export interface KeyAccess {
  kind: KeyKind
  /**
   * Where older clients put the key; looked at in requests without an `Authorization` header only. A key of the address
   * is checked before the body is read, like one of the header.
   */
  legacyKey?: { in: 'address'; read: (request: FastifyRequest) => string | undefined } | BodyKey
}

/** A key in the body: so much of it is read from a caller that nothing is known of, and not more. */
interface BodyKey {
  in: 'body'
  maxBytes: number
  read: (body: unknown) => string | undefined
}

/**
 * Finds the key of a request.
 * @param shown what the client showed elsewhere than in the `Authorization` header
 * @throws AtpError `unauthorized`, `forbidden` or `rate_limited`
 */
export type AuthenticateRequest = (request: FastifyRequest, kind: KeyKind, shown?: string) => Promise<StoredKey>

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: RouteAccess
  }
  interface FastifyRequest {
    storedKey: StoredKey | undefined
  }
}

/**
 * The one place where routes are guarded: keys are checked before anything of the body is read. A route that does not
 * say who may use it is refused when it is added.
 * @param requests told of each request that showed a key
 */
export function guardRoutes(
  app: FastifyInstance,
  authenticate: AuthenticateRequest,
  requests: RequestsOfKeys = new RequestsOfKeys(),
): void {
  app.decorateRequest('storedKey', undefined)
  app.addHook('onRoute', (route) => {
    const access = route.config?.access
    if (access === undefined) throw new Error(`The route ${route.method} ${route.url} does not say who may use it`)
    if (access !== 'open' && access.legacyKey?.in === 'body') readKeyOfBody(route, access, access.legacyKey)
  })
  app.addHook('onRequest', async (request, reply) => {
    const { access } = request.routeOptions.config
    if (access === undefined || access === 'open') return
    const { kind, legacyKey } = access
    if (legacyKey === undefined || hasHeader(request)) enter(request, reply, await authenticate(request, kind))
    else if (legacyKey.in === 'address') {
      enter(request, reply, await authenticate(request, kind, legacyKey.read(request)))
    }
  })

  function enter(request: FastifyRequest, reply: FastifyReply, key: StoredKey): void {
    request.storedKey = key
    // Whoever revokes the key at hand is told that it was.
    if (key.kind !== 'admin' || request.method === 'GET') requests.add(key, reply.raw)
  }

  function readKeyOfBody(route: RouteOptions, { kind }: KeyAccess, bodyKey: BodyKey): void {
    route.preParsing = (request, _reply, payload, done) => {
      if (hasHeader(request)) done(null, payload)
      else if (Number(request.headers['content-length']) > bodyKey.maxBytes) done(tooLarge(bodyKey))
      else done(null, Readable.from(atMost(payload, bodyKey), { objectMode: false }))
    }
    route.preValidation = (request, reply, done) => {
      if (hasHeader(request)) done()
      else {
        const entering = authenticate(request, kind, bodyKey.read(request.body) ?? '')
        entering.then((key) => enter(request, reply, key)).then(() => done(), done)
      }
    }
  }
}

/** The key of a request on a route that needs one. */
export function keyOf(request: FastifyRequest): StoredKey {
  if (request.storedKey === undefined) throw new Error(`No key was asked for on ${request.routeOptions.url}`)
  return request.storedKey
}

function hasHeader(request: FastifyRequest): boolean {
  return request.headers.authorization !== undefined
}

async function* atMost(payload: AsyncIterable<Buffer>, bodyKey: BodyKey): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const chunk of payload) {
    bytes += chunk.length
    if (bytes > bodyKey.maxBytes) throw tooLarge(bodyKey)
    yield chunk
  }
}

function tooLarge({ maxBytes }: BodyKey): AtpError {
  return new AtpError(
    'payload_too_large',
    `The body is larger than ${maxBytes} bytes, which is all that is read without a key in the Authorization header`,
  )
}
