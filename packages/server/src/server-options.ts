import type { Logger } from '@atp/core'
import type { MetricsAccess } from './gateway/metrics-http.ts'
import type { ServerLimits } from './limits.ts'
import type { LogLevel } from './logging/pino-logger.ts'

/** Where a server listens when nothing else is said. */
export const defaultPort = 4870

/** How a server is made. */
export interface ServerOptions {
  /** The data folder; made when it is needed and not there. */
  dataDir: string
  /**
   * Keeps everything in a PostgreSQL database instead: `postgres://user:password@host:port/database`, with `?schema=`
   * (default `atp`) and `pool_size=` (default 10). The data folder then holds the files of a development server only.
   */
  databaseUrl?: string | undefined
  /** @default '127.0.0.1' */
  host?: string | undefined
  /** 0 takes a free one. @default 4870 */
  port?: number | undefined
  /** Makes a default project with keys in `dev-keys.json`; only on a loopback host. @default false */
  dev?: boolean | undefined
  /** Allows `dev` on other hosts. @default false */
  devAllowRemote?: boolean | undefined
  /**
   * The keys that encrypt the secrets of the server, as in `ATP_ENCRYPTION_KEYS`: `id:base64` entries, the newest first.
   * Needed unless `dev` is set, which makes one in the file `encryption-keys` of the data folder.
   */
  encryptionKeys?: string | undefined
  /** Web origins whose pages may use the server. @default none */
  allowedOrigins?: readonly string[] | undefined
  /**
   * Proxies in front of the server, as addresses or networks such as `10.0.0.0/8`: `X-Forwarded-For` of their requests
   * says whose address the limits per address count. Without it all peers behind a proxy count as one.
   * @default none
   */
  trustedProxies?: readonly string[] | undefined
  /**
   * Serves the Python SDK: keys in addresses and bodies, registrations over HTTP, the sockets below `/ws/v1`.
   * @default true
   */
  legacy?: boolean | undefined
  /**
   * Who may read `/metrics`: everybody who reaches the server, its admin keys, nobody.
   * @default 'open' where only this machine reaches it, else 'admin'
   */
  metrics?: MetricsAccess | undefined
  limits?: Partial<ServerLimits> | undefined
  /** @default 'info' */
  logLevel?: LogLevel | undefined
  /** Takes the place of the server's own JSON lines on stderr. */
  logger?: Logger | undefined
}
