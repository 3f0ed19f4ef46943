// Every line is public API: adding one is a decision. Nothing here needs Node.

import type { ProtocolFactory } from '@atp/utcp'
import { httpProtocol } from './http-protocol.ts'
import { type PlainFetch, plainOutbound } from './outbound/plain-outbound.ts'
import type { HttpProtocolOptions, ProtocolOptions } from './protocol-options.ts'
import { sseProtocol } from './sse-protocol.ts'
import { streamableHttpProtocol } from './streamable-http-protocol.ts'

export type { OpenApiContext, OpenApiConverter } from './discovery/discover-manual.ts'
export type { PlainFetch } from './outbound/plain-outbound.ts'
export type { HttpProtocolOptions, ProtocolOptions } from './protocol-options.ts'
export type { QueryStyle } from './request/query-pairs.ts'

/**
 * How requests leave where there is no Node. URLs are judged by their text; where a name leads to is up to the platform.
 * Redirects are refused.
 */
export interface EdgeOptions {
  /** The platform's `fetch`, or one in its place. */
  readonly fetch: PlainFetch
  /** Whether manuals that were configured here may be at literal loopback addresses, for development. @default false */
  readonly allowLoopback?: boolean
}

/** The protocol `http` over a given fetch. */
export function http(options: EdgeOptions & HttpProtocolOptions): ProtocolFactory {
  return () => httpProtocol(outboundOf(options), options)
}

/** The protocol `sse` over a given fetch. */
export function sse(options: EdgeOptions & ProtocolOptions): ProtocolFactory {
  return () => sseProtocol(outboundOf(options), options)
}

/** The protocol `streamable_http` over a given fetch. */
export function streamableHttp(options: EdgeOptions & ProtocolOptions): ProtocolFactory {
  return () => streamableHttpProtocol(outboundOf(options), options)
}

function outboundOf({ fetch: given, allowLoopback = false }: EdgeOptions): ReturnType<typeof plainOutbound> {
  return plainOutbound(given, allowLoopback)
}
