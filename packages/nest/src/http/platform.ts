import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { AtpError } from '@atp/core'
import type { AbstractHttpAdapter } from '@nestjs/core'

/** What the routes read of a request of Express or of Fastify. */
export interface PlatformRequest {
  readonly method: string
  readonly url: string
  readonly originalUrl?: string
  readonly protocol: string
  readonly host?: string
  readonly headers: IncomingHttpHeaders
  readonly id?: unknown
  /** With Fastify: Node's own request. */
  readonly raw?: IncomingMessage
  /** With Fastify: the route that was found. */
  readonly routeOptions?: { readonly url?: string }
  /** With Express: the route that was found. */
  readonly route?: { readonly path: string }
}

/** Express's request, which is Node's own. */
export type ExpressRequest = PlatformRequest & IncomingMessage & { readonly raw?: undefined; readonly body?: unknown }

/** Express's response, which is Node's own. */
export type ExpressResponse = ServerResponse & { readonly raw?: undefined }

/** What the routes use of Fastify's reply. */
export interface FastifyReply extends PromiseLike<void> {
  readonly raw: ServerResponse
  readonly sent: boolean
  code(status: number): this
  headers(headers: Readonly<Record<string, string>>): this
  send(body: string | Readable | undefined): this
}

/** The response of either platform. */
export type PlatformResponse = ExpressResponse | FastifyReply

/** Which platform an app runs on, as its HTTP adapter calls it. */
export type PlatformName = 'express' | 'fastify'

/** @throws AtpError `unsupported` on other platforms */
export function platformOf(adapter: AbstractHttpAdapter): PlatformName {
  const name = adapter.getType()
  if (name === 'express' || name === 'fastify') return name
  throw new AtpError('unsupported', `AtpModule runs on Express or Fastify, not on "${name}"; use one of their adapters`)
}
