import { type AtpRequest, closeSignal, nodeBody, type RequestBody } from '@atp/core/http'
import { throwBodyFailure } from './body-failures.ts'
import type { ExpressRequest, PlatformRequest, PlatformResponse } from './platform.ts'
import { splitUrl } from './split-url.ts'

/** A request of Nest as the routes see it. */
export class MountedRequest implements AtpRequest<PlatformRequest> {
  readonly native: PlatformRequest
  readonly path: string
  readonly basePath: string
  readonly #response: PlatformResponse
  readonly #body: unknown

  /**
   * @param body what the app's pipes made of what its parser made
   * @param ownRoutes our part of the route, in its possible forms
   */
  constructor(request: PlatformRequest, response: PlatformResponse, body: unknown, ownRoutes: readonly string[]) {
    const { path, basePath } = splitUrl(request, ownRoutes)
    this.native = request
    this.path = path
    this.basePath = basePath
    this.#response = response
    this.#body = body
  }

  get method(): string {
    return this.native.method
  }

  get id(): string | undefined {
    const { id } = this.native
    return typeof id === 'string' ? id : undefined
  }

  get signal(): AtpRequest['signal'] {
    return closeSignal(this.#response.raw ?? this.#response)
  }

  origin(): string {
    return `${this.native.protocol}://${this.native.host ?? ''}`
  }

  header(name: string): string | undefined {
    return this.native.headers[name]?.toString()
  }

  body(): RequestBody {
    throwBodyFailure(this.native)
    const { raw } = this.native
    const body = this.#body
    if (raw !== undefined) return body === undefined ? nodeBody(raw) : { parsed: body }
    const request = this.native as ExpressRequest
    // Express keeps raw texts where parsed values are; which one it is, core tells.
    return body === undefined || body === request.body ? nodeBody(request) : { parsed: body }
  }
}
