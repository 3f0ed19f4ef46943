import type { AtpHttpOptions, ToolkitSource } from '@atp/core'
import {
  type AtpRequest,
  closeSignal,
  createAtpHandler,
  nodeBody,
  type RequestBody,
  writeNodeResponse,
} from '@atp/core/http'
import express from 'express'

/**
 * The routes of ATP as a router for `app.use`, at the root or under a path. What is not theirs passes on.
 * @throws AtpError `invalid_config`, `invalid_name` or `toolkit_name_conflict`
 */
export function atpRouter(source: ToolkitSource, options: AtpHttpOptions<express.Request> = {}): express.Router {
  const handle = createAtpHandler(source, options)
  const router = express.Router()
  router.use((request, response, next) => {
    const answer = handle(new MountedRequest(request, response))
    // Express hands a rejected promise on to the app's error handler.
    return answer === undefined ? next() : answer.then((ready) => writeNodeResponse(response, ready))
  })
  return router
}

/** Most requests to an app are not ours: what costs something is made when it is asked for. */
class MountedRequest implements AtpRequest<express.Request> {
  readonly native: express.Request
  readonly #response: express.Response

  constructor(request: express.Request, response: express.Response) {
    this.native = request
    this.#response = response
  }

  get method(): string {
    return this.native.method
  }

  get path(): string {
    // Not `request.path`: where a URL holds unusual characters, Express rewrites it there.
    return this.native.url
  }

  get basePath(): string {
    return this.native.baseUrl
  }

  get signal(): AtpRequest['signal'] {
    return closeSignal(this.#response)
  }

  get id(): string | undefined {
    return requestId(this.native)
  }

  origin(): string {
    // HTTP/1.0 comes without a host, whatever the type says; then there is no origin to name.
    return `${this.native.protocol}://${this.native.host ?? ''}`
  }

  header(name: string): string | undefined {
    return this.native.get(name)
  }

  body(): RequestBody {
    return nodeBody(this.native)
  }
}

/** Express gives a request no id; loggers that do write a text, or a counter that starts anew with each process. */
function requestId(request: express.Request & { id?: unknown }): string | undefined {
  return typeof request.id === 'string' ? request.id : undefined
}
