// Every line is public API: adding one is a decision.

import type { ProtocolFactory } from '@atp/utcp'
import { httpProtocol } from './http-protocol.ts'
import { guardedOutbound, type OutboundOptions } from './outbound/guarded-outbound.ts'
import type { HttpProtocolOptions, ProtocolOptions } from './protocol-options.ts'
import { sseProtocol } from './sse-protocol.ts'
import { streamableHttpProtocol } from './streamable-http-protocol.ts'

export type { OpenApiContext, OpenApiConverter } from './discovery/discover-manual.ts'
export type { OutboundOptions } from './outbound/guarded-outbound.ts'
export type { HttpProtocolOptions, ProtocolOptions } from './protocol-options.ts'
export type { QueryStyle } from './request/query-pairs.ts'

/** What {@link http} can be told. */
export interface HttpOptions extends HttpProtocolOptions, OutboundOptions {}

/** What {@link sse} can be told. */
export interface SseOptions extends ProtocolOptions, OutboundOptions {}

/** What {@link streamableHttp} can be told. */
export interface StreamableHttpOptions extends ProtocolOptions, OutboundOptions {}

/** The protocol `http`: one request, one answer. Every client makes its own, with its own connections and tokens. */
export function http(options: HttpOptions = {}): ProtocolFactory {
  return () => httpProtocol(guardedOutbound(options), options)
}

/** The protocol `sse`: server-sent events, each of them a result. */
export function sse(options: SseOptions = {}): ProtocolFactory {
  return () => sseProtocol(guardedOutbound(options), options)
}

/** The protocol `streamable_http`: NDJSON, JSON or bytes, read in pieces. */
export function streamableHttp(options: StreamableHttpOptions = {}): ProtocolFactory {
  return () => streamableHttpProtocol(guardedOutbound(options), options)
}
