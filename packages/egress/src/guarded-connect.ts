import { isIPv6, type Socket } from 'node:net'
import { AtpError } from '@atp/core'
import { egressRefused, upstreamTimeout } from './egress-error.ts'
import { type EgressOptions, egressDefaults, readLimit } from './egress-options.ts'
import { bareHost, type Opening, openingOf, readPolicy, type Target, targetKey } from './egress-policy.ts'
import { systemLookup } from './guarded-lookup.ts'
import { openSocket } from './open-socket.ts'
import { startTimer } from './timer.ts'

/** Where to connect, and what may be reached. */
export interface GuardedConnectOptions extends EgressOptions {
  /** A name or an address, with or without brackets. */
  host: string
  port: number
  /** @default true */
  tls?: boolean
  /**
   * Lets a connection without TLS leave this machine, for protocols that know none. Its target must be public or
   * listed, as ever; a listed one needs no `http://` in the list then.
   * @default false
   */
  allowPlainText?: boolean
  /** What TLS offers to speak. @default nothing */
  alpnProtocols?: string[]
  /** Ends the attempt, and later the connection. */
  signal?: AbortSignal
}

/**
 * Opens a socket under the rules of `createGuardedFetch`; resolves once it is connected, TLS included.
 * `totalTimeoutMs` destroys it with `upstream_timeout`. How much may arrive is for the protocol on it to limit.
 * An error of the socket never ends the process; whoever uses it hears of it by `error` or `close`.
 * Throws `egress_refused`, `upstream_timeout` or `upstream_failed`, and the signal's reason when that aborts.
 */
export async function guardedConnect(options: GuardedConnectOptions): Promise<Socket> {
  const { tls = true, signal, alpnProtocols: alpn, lookup = systemLookup } = options
  const connectTimeoutMs = readLimit('connectTimeoutMs', options.connectTimeoutMs, egressDefaults.connectTimeoutMs)
  const totalTimeoutMs = readLimit('totalTimeoutMs', options.totalTimeoutMs, egressDefaults.totalTimeoutMs)
  const target = { host: readHost(options.host), port: readPort(options.port), secure: tls }
  const shown = `${isIPv6(target.host) ? `[${target.host}]` : target.host}:${target.port}`
  const opening = openingOfSocket(target, shown, options)
  signal?.throwIfAborted()
  return new Promise((resolve, reject) => {
    const socketOptions = { lookup, connectTimeoutMs, ca: options.ca, alpn }
    const socket = openSocket(target, opening, shown, socketOptions, (error, opened) => {
      if (opened === null) reject(error)
      else resolve(opened)
    })
    if (socket === undefined) return
    const end = (error: Error): void => {
      reject(error)
      socket.destroy(error)
    }
    const onAbort = (): void => end(signal?.reason)
    const timer = startTimer(() => end(upstreamTimeout(shown, 'was not done', totalTimeoutMs)), totalTimeoutMs)
    // It may have fired already, while the name was looked up.
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
    socket
      .on('error', () => {})
      .once('close', () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      })
  })
}

function openingOfSocket(target: Target, shown: string, options: GuardedConnectOptions): Opening {
  const policy = readPolicy(options)
  const plainIsOpen = options.allowPlainText === true || policy.listed.has(targetKey(target.host, target.port))
  // Judged as if it were encrypted, which opens the same addresses and no more.
  return openingOf(plainIsOpen ? { ...target, secure: true } : target, policy, shown)
}

/** The host as a URL would have it, so that every way to write an address is judged as the one it means. */
function readHost(text: string): string {
  const host = isIPv6(text) ? `[${text}]` : text
  const isName = !/[\s/\\?#@:[\]]/.test(host)
  // Beside an IPv6 address, nothing that the parser would take for a port, a path or credentials, or leave out.
  const url = isName || isIPv6(host.slice(1, -1)) ? URL.parse(`https://${host}`) : null
  if (url === null) throw egressRefused('E2', JSON.stringify(text), 'this is not a host')
  return bareHost(url.hostname)
}

function readPort(port: number): number {
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port
  throw new AtpError('invalid_request', `${port} is not a port`)
}
