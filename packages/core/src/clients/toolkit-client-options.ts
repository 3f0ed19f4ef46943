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
  /** A call has its outcome. */
  call: { callId: string; tool: string; ok: boolean; errorCode: ErrorCode | undefined; durationMs: number }
}

/** How a `ToolKitClient` is made. */
export interface ToolKitClientOptions extends ToolkitOptions {
  /** The toolkit's key, `atp_toolkit_…`. */
  apiKey: string
  /** @default 'http://127.0.0.1:4870' */
  baseUrl?: string
  /** How calls arrive. @default 'ws' */
  protocol?: 'ws' | 'http'
  /** How many calls run at once, 1 to 65,536; the server answers those above with `busy`. @default 64 */
  maxConcurrency?: number
  /** How long `stop` waits for running calls, in milliseconds. @default 10_000 */
  drainTimeoutMs?: number
  backoff?: BackoffOptions
  /**
   * Whether to speak the founding wire, over HTTP and `/ws/v1/atp/toolkit-client/{key}/`: `true` where the server
   * answers 404 to that of protocol 2, `'always'` from the start, `false` never. Only `'always'` has an effect where the
   * platform does not show a refused handshake's status: browsers, workers, Deno.
   * @default true
   */
  legacyFallback?: LegacyFallback
  /** Opens connections; for tests and for platforms of one's own. @default a WebSocket */
  connect?: Connect
  /** Registers tools with founding servers. @default the global fetch */
  fetch?: typeof fetch
}
