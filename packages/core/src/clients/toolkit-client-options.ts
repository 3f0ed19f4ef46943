import type { AtpError } from '../errors/atp-error.ts'
import type { ErrorCode } from '../errors/codes.ts'
import type { ToolkitOptions } from '../registry/toolkit.ts'
import type { BackoffOptions } from '../transport/backoff.ts'
import type { Connect } from '../transport/transport.ts'
import type { LegacyFallback } from './legacy/legacy-fallback.ts'

/** What a `ToolKitClient` tells while it runs. */
export interface ToolKitClientEvents {
  /** Connected, and all tools are registered. */
  connected: { toolkitId: string }
  /**
   * The connection is gone; `reconnecting` follows unless the client stops or was refused. Comes once more when the
   * key is refused while reconnecting, which ends the client.
   */
  disconnected: { error: AtpError | undefined }
  /** The next attempt begins in `retryInMs`. */
  reconnecting: { error: AtpError; retryInMs: number }
  /** No call came for `idleTimeoutMs`: the client stops. */
  idle: { idleTimeoutMs: number }
  /** A call has its outcome. */
  call: { callId: string; tool: string; ok: boolean; errorCode: ErrorCode | undefined; durationMs: number }
}

/** How a `ToolKitClient` is made. */
export interface ToolKitClientOptions extends ToolkitOptions {
  /** The toolkit's key, `atp_toolkit_…`. */
  apiKey: string
  /** @default 'http://127.0.0.1:4870' */
  baseUrl?: string
  /**
   * How calls arrive: over a WebSocket, or over HTTP requests that the server holds until there are calls, which passes
   * where sockets do not. Calls over HTTP are stored by the server first.
   * @default 'ws'
   */
  protocol?: 'ws' | 'http'
  /**
   * Where the server is to post calls that no connected process takes: the address that the routes of the app lie below,
   * such as `https://example.com/api`; null takes back what was said before. To tell the server from a deployment, start
   * the client and stop it again.
   * @default what the server was told last
   */
  endpointUrl?: string | null
  /** How many calls run at once, 1 to 65,536; the server answers those above with `busy`. @default 64 */
  maxConcurrency?: number
  /** How long `stop` waits for running calls and until their results have arrived, in milliseconds. @default 10_000 */
  drainTimeoutMs?: number
  /** Stops the client when no call came or ran for this long, in milliseconds; 0 never does. @default 0 */
  idleTimeoutMs?: number
  backoff?: BackoffOptions
  /**
   * Whether to speak the founding wire, over HTTP and `/ws/v1/atp/toolkit-client/{key}/` (its inbox with `protocol:
   * 'http'`): `true` where the server
   * answers 404 to that of protocol 2, `'always'` from the start, `false` never. Only `'always'` has an effect where the
   * platform does not show a refused handshake's status: browsers, workers, Deno.
   * @default true
   */
  legacyFallback?: LegacyFallback
  /** Opens connections; for tests and for platforms of one's own. @default what `protocol` says */
  connect?: Connect
  /** For `protocol: 'http'`, and to register tools with founding servers. @default the global fetch */
  fetch?: typeof fetch
}
