import { AtpError } from '../errors/atp-error.ts'
import { errorAnswer } from './answers.ts'
import { createAtpHandler } from './handle-request.ts'
import type { AtpRequest, AtpResponse, RequestBody } from './http-messages.ts'
import type { AtpHttpOptions, ToolkitSource } from './http-options.ts'
import { readWebBody, readWebText } from './read-bytes.ts'

/** How {@link createFetchHandler} mounts toolkits. */
export interface FetchHandlerOptions<Native = unknown> extends AtpHttpOptions<Native> {
  /** What precedes `/atp` in the path, such as `/api`, or a function that tells it. @default '' */
  basePath?: string | ((native: Native) => string) | undefined
  /** The id that the app gave the request, where it gives one. @default a new UUID */
  requestId?: ((native: Native) => string | undefined) | undefined
}

/**
 * Answers web-standard requests. `native` is what the platform passes beside the request: a Worker's bindings, a
 * framework's context; `authorize` and `env` get it. Paths outside the mount are answered 404.
 */
export type FetchHandler<Native = unknown> = (request: Request, native?: Native) => Promise<Response>

/**
 * Serves toolkits wherever a function from `Request` to `Response` is: Workers, Deno, Bun, Next.js.
 * @example export default { fetch: createFetchHandler(toolkit, { authorize: { keys: ['…'] } }) }
 * @throws AtpError `invalid_config`, `invalid_name` or `toolkit_name_conflict`
 */
export function createFetchHandler<Native = unknown>(
  source: ToolkitSource,
  options: FetchHandlerOptions<Native> = {},
): FetchHandler<Native> {
  const handle = createAtpHandler(source, options)
  const { basePath = '', requestId } = options
  if (typeof basePath === 'string') checkBasePath(basePath)
  return async (request, native) => {
    const base = typeof basePath === 'string' ? basePath : basePath(native as Native)
    const answer = await handle(
      new FetchedRequest(request, base.replace(/\/$/, ''), native as Native, requestId?.(native as Native)),
    )
    return toResponse(answer ?? errorAnswer(new AtpError('not_found', 'Not found'), crypto.randomUUID()))
  }
}

function checkBasePath(basePath: string): void {
  if (basePath === '' || basePath.startsWith('/')) return
  throw new AtpError('invalid_config', `basePath must begin with a slash, such as "/api"`)
}

/** A class, because platforms make `signal` and `headers` when they are asked for, and an accessor in a literal is slow. */
class FetchedRequest<Native> implements AtpRequest<Native> {
  readonly method: string
  readonly path: string
  readonly basePath: string
  readonly native: Native
  readonly id: string | undefined
  readonly #request: Request

  constructor(request: Request, basePath: string, native: Native, id: string | undefined) {
    const { url } = request
    // Without a Host header a platform may give a bare path for an address.
    const pathStart = url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('://') + 3)
    const path = pathStart === -1 ? '/' : url.slice(pathStart)
    this.method = request.method
    this.path = path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : ''
    this.basePath = basePath
    this.native = native
    this.id = id
    this.#request = request
  }

  get signal(): AbortSignal {
    return this.#request.signal
  }

  origin(): string {
    // What an odd Host header makes of it may be no address at all.
    const { url } = this.#request
    return URL.canParse(url) ? new URL(url).origin : ''
  }

  header(name: string): string | undefined {
    return this.#request.headers.get(name) ?? undefined
  }

  body(): RequestBody {
    const request = this.#request
    return { read: (maxBytes) => readWebBody(request, maxBytes), readText: () => readWebText(request) }
  }
}

function toResponse({ status, headers, body }: AtpResponse): Response {
  return new Response(body === undefined || typeof body === 'string' ? body : toStream(body), { status, headers })
}

/** Pulled by the platform as fast as the client reads; cancelled by it when the client is gone. */
function toStream(events: AsyncIterable<string>): ReadableStream<Uint8Array> {
  const iterator = events[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const step = await iterator.next()
      if (step.done) controller.close()
      else controller.enqueue(encoder.encode(step.value))
    },
    async cancel() {
      await iterator.return?.()
    },
  })
}
