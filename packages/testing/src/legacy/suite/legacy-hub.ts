/** How a hub differs from its defaults. */
export interface LegacyHubOptions {
  /** Time between two pings to a socket, in milliseconds. */
  heartbeatMs?: number
  /** A socket without any sign of life for this long is dropped, in milliseconds. */
  livenessMs?: number
}

/** A server of which the legacy wire is expected. */
export interface LegacyHub {
  /** Without a slash at the end. */
  readonly baseUrl: string
  /** A key for the toolkit of that name in the account of the LLM keys; without a name for the first it registers. */
  createToolkitKey(appName?: string): Promise<string>
  /** A key of the account, not used by anybody else. */
  createLlmKey(): Promise<string>
  /** Stops this server and starts another one on what it stored, with the same keys. */
  restart(): Promise<LegacyHub>
  /** Everything it has logged so far, with nothing redacted by the sink. */
  logs(): string
  stop(): Promise<void>
}

/** Starts an empty hub. */
export type StartLegacyHub = (options?: LegacyHubOptions) => Promise<LegacyHub>
