import { AtpError } from '@atp/core'
import { isLiteralLoopback } from './address-rules.ts'
import { egressRefused } from './egress-error.ts'
import type { EgressOptions } from './egress-options.ts'

/** Which addresses a target may have: public ones, this machine's, or any because the operator listed the target. */
export type Opening = 'public' | 'loopback' | 'listed'

/** Where a connection goes. */
export interface Target {
  /** As the URL parser writes it, without brackets. */
  host: string
  port: number
  /** Whether it is encrypted. */
  secure: boolean
}

/** The options about targets, read once. */
export interface EgressPolicy {
  allowLoopback: boolean
  /** `host:port` -> whether plain text is open too. */
  listed: ReadonlyMap<string, boolean>
}

/** Opens nothing but public targets. What a redirect from a public origin is judged by. */
export const closedPolicy: EgressPolicy = { allowLoopback: false, listed: new Map() }

/** Reads the options about targets. Throws `invalid_config` for a listed target that is not exactly one. */
export function readPolicy({ allowLoopbackHttp = false, allowTargets = [] }: EgressOptions): EgressPolicy {
  return { allowLoopback: allowLoopbackHttp, listed: new Map(allowTargets.map(readListed)) }
}

/**
 * Which addresses a target may have by its text alone (rules E2 and E7).
 * Throws `egress_refused` for plain text to anything that is not open for it.
 */
export function openingOf({ host, port, secure }: Target, policy: EgressPolicy, shown: string): Opening {
  const plainIsListed = policy.listed.get(targetKey(host, port))
  if (plainIsListed !== undefined && (secure || plainIsListed)) return 'listed'
  if (policy.allowLoopback && isLiteralLoopback(host)) return 'loopback'
  if (secure) return 'public'
  throw egressRefused('E2', shown, 'only encrypted connections are allowed, except where the operator opened others')
}

/** How a target is found among the listed ones. */
export function targetKey(host: string, port: number): string {
  return `${host}:${port}`
}

/** The host as sockets want it: IPv6 without its brackets. */
export function bareHost(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

function readListed(entry: string): [string, boolean] {
  const plain = entry.startsWith('http://')
  const text = (plain ? entry.slice('http://'.length) : entry).toLowerCase()
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(text) ?? []
  const url = URL.parse(`https://${text}`)
  // The parser's own writing must be the operator's: `10.1:80` or `db.internal/x:80` would open something unexpected,
  // and a star nothing at all.
  if (host === undefined || host.includes('*') || url?.hostname !== host || (url.port || '443') !== port) {
    throw new AtpError('invalid_config', `allowTargets: ${JSON.stringify(entry)} is not an exact host:port`)
  }
  return [targetKey(bareHost(host), Number(port)), plain]
}
