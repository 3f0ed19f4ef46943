import type { OpenApiConverter } from './discovery/discover-manual.ts'
import type { QueryStyle } from './request/query-pairs.ts'

/** What all protocols of this package can be told. */
export interface ProtocolOptions {
  /** How lists and objects are written in queries and forms. */
  readonly query?: QueryStyle
}

/** What the protocol `http` can be told beside. */
export interface HttpProtocolOptions extends ProtocolOptions {
  /** How long one request may take with its answer, in milliseconds. @default 30_000 */
  readonly timeoutMs?: number
  /** Makes manuals of OpenAPI documents. @default they fail with `unsupported` */
  readonly openApi?: OpenApiConverter
}
