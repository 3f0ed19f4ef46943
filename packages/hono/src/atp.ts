import { type AtpHttpOptions, createFetchHandler, type ToolkitSource } from '@atp/core'
import { type Context, type Env, Hono } from 'hono'
import { cloneRawRequest } from 'hono/request'

/**
 * How toolkits are mounted; `authorize` finds Hono's context as `request.native`, and `env` gets it.
 * @typeParam E the app's bindings and variables, as in `Hono<E>`.
 */
export type AtpHonoOptions<E extends Env = Env> = AtpHttpOptions<Context<E>>

/**
 * Serves toolkits as a sub-app, below whatever path it is given; all other paths stay the app's own.
 * @example app.route('/', atp(toolkit, { env: (c) => c.env }))
 * @throws AtpError `invalid_config`, `invalid_name` or `toolkit_name_conflict`
 */
export function atp<E extends Env = Env>(source: ToolkitSource, options: AtpHonoOptions<E> = {}): Hono<E> {
  const handle = createFetchHandler<Context<E>>(source, { ...options, basePath: mountPath, requestId })
  const serve = (c: Context<E>): Promise<Response> => {
    const { raw } = c.req
    return raw.bodyUsed ? readAgain(c).then((again) => handle(again, c)) : handle(raw, c)
  }
  const app = new Hono<E>().all('/atp/*', serve)
  const { utcpPath = '/utcp' } = options
  if (utcpPath !== false) app.all(utcpPath, serve).all(otherSlashForm(utcpPath), serve)
  return app
}

/**
 * What precedes the mount in the URL. Routes are matched by a decoded path, which the app's own `getPath` may have
 * changed too, so what follows the mount is counted there and taken off the end of the URL's path.
 */
function mountPath<E extends Env>(c: Context<E>): string {
  const { path, url } = c.req
  const base = registeredBase(c)
  // Most often the base has no parameters, and the URL reads as it was matched.
  if (!/[:*]/.test(base) && url.startsWith(path, url.indexOf('/', 8))) return base
  const below = segments(path).length - segments(base).length
  return segments(rawPath(url)).slice(0, -below).join('/')
}

/**
 * The base path as the app wrote it. Not by `hono/route`: that finds nothing in an app that loads Hono with `require`,
 * which is another copy of it.
 */
function registeredBase<E extends Env>(c: Context<E>): string {
  return c.req.matchedRoutes[c.req.routeIndex]?.basePath ?? '/'
}

/** Not by `URL`: behind an odd Host header, what some runtimes give as the address is none. */
function rawPath(url: string): string {
  const path = url.slice(url.indexOf('/', 8))
  const end = path.search(/[?#]/)
  return end === -1 ? path : path.slice(0, end)
}

/** The request with the body that a middleware has read, of the type that its sender gave it, if any. */
async function readAgain<E extends Env>(c: Context<E>): Promise<Request> {
  const again = await cloneRawRequest(c.req)
  if (!c.req.raw.headers.has('content-type')) again.headers.delete('content-type')
  return again
}

/** What Hono's own `requestId` middleware gave the request. */
function requestId<E extends Env>(c: Context<E>): string | undefined {
  const id: unknown = (c as Context).get('requestId')
  return typeof id === 'string' ? id : undefined
}

function segments(path: string): string[] {
  return path.replace(/\/$/, '').split('/')
}

function otherSlashForm(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : `${path}/`
}
