import type { AtpError } from '@atp/core'
import { type AtpRequest, closeSignal, type RequestBody } from '@atp/core/http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { readBody } from './bodies.ts'

/** A request of Fastify as the routes see it. */
export class MountedRequest implements AtpRequest<FastifyRequest> {
  readonly native: FastifyRequest
  readonly path: string
  readonly basePath: string
  readonly #reply: FastifyReply

  /** @param depth how many segments of the URL precede the mount */
  constructor(request: FastifyRequest, reply: FastifyReply, depth: number) {
    // Counted, because parameters of a prefix stand for other texts each time. Fastify found a route, so they are there.
    let start = 0
    for (let passed = 0; passed < depth; passed += 1) start = request.url.indexOf('/', start + 1)
    this.native = request
    this.path = request.url.slice(start)
    this.basePath = request.url.slice(0, start)
    this.#reply = reply
  }

  get method(): string {
    return this.native.method
  }

  get id(): string {
    return this.native.id
  }

  get signal(): AtpRequest['signal'] {
    return closeSignal(this.#reply.raw)
  }

  origin(): string {
    return `${this.native.protocol}://${this.native.host}`
  }

  header(name: string): string | undefined {
    return this.native.headers[name]?.toString()
  }

  body(): RequestBody {
    return readBody(this.native)
  }
}

/**
 * A request whose body a parser refused. Guards of the app that come after parsing have not run, so it must never run a
 * tool: its body is asked for before anything runs, and throws.
 */
export class RefusedRequest extends MountedRequest {
  readonly #refusal: AtpError

  constructor(request: FastifyRequest, reply: FastifyReply, depth: number, refusal: AtpError) {
    super(request, reply, depth)
    this.#refusal = refusal
  }

  override body(): never {
    throw this.#refusal
  }
}
