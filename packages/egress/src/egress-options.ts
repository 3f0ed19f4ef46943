import { AtpError } from '@atp/core'

/**
 * Answers all addresses of a name as texts. Rejects when there are none. Whatever it answers is checked before it is
 * connected to, so it need not be trusted.
 */
export type EgressLookup = (hostname: string) => Promise<readonly string[]>

/** What may be reached, and how. The operator of the process decides these; they never come from a tenant or a manual. */
export interface EgressOptions {
  /**
   * Opens this machine's literal loopback addresses (`localhost`, 127.0.0.0/8, ::1), there without TLS too.
   * For locally configured targets; a hub leaves it off.
   * @default false
   */
  allowLoopbackHttp?: boolean
  /**
   * Private targets that are open (rule E7): exact `host:port`, the host written as it will be in the URL. A leading
   * `http://` opens the target without TLS too. Nothing is derived: no suffixes, no ranges, no other port.
   * @default none
   */
  allowTargets?: readonly string[]
  /** Resolves names. @default the system's resolver */
  lookup?: EgressLookup
  /** How long resolving, connecting and the TLS handshake may take together. @default 5 s */
  connectTimeoutMs?: number
  /** How long everything may take, the body included. `Infinity` for streams that stay open. @default 30 s */
  totalTimeoutMs?: number
  /** Certificate authorities to trust instead of the usual ones, in PEM. */
  ca?: string | string[]
}

/** Rule E6. */
export const egressDefaults: Readonly<Record<'connectTimeoutMs' | 'totalTimeoutMs' | 'maxResponseBytes', number>> = {
  connectTimeoutMs: 5_000,
  totalTimeoutMs: 30_000,
  maxResponseBytes: 5 * 1024 * 1024,
}

/** The most hops of redirection that are followed (rule E5). */
export const maxRedirects = 5

/** A limit that an option sets, or its default. Throws `invalid_config` unless it is a positive number. */
export function readLimit(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback
  if (typeof value === 'number' && value > 0) return value
  throw new AtpError('invalid_config', `${name} must be a positive number or Infinity`)
}
