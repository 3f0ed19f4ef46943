import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { isLocalhostName } from './address-rules.ts'
import { egressRefused, upstreamFailed, upstreamTimeout } from './egress-error.ts'
import type { EgressLookup } from './egress-options.ts'
import type { Opening, Target } from './egress-policy.ts'
import { checkAddress, guardedLookup } from './guarded-lookup.ts'
import { startTimer } from './timer.ts'

/** How a socket is opened, beside where to. */
export interface SocketOptions {
  lookup: EgressLookup
  connectTimeoutMs: number
  ca: string | string[] | undefined
  /** What TLS offers to speak. */
  alpn: string[] | undefined
}

type Opened = (error: Error | null, socket: Socket | null) => void

/**
 * Opens a connection once the target's addresses have passed (rules E3, E4, E6): the only place of this package, and so
 * of all that run on Node, where sockets are made. Calls `opened` once, when TLS is up where it is wanted, or with why
 * not. Returns the socket before that; none when the target is refused by its text.
 */
export function openSocket(
  target: Target,
  opening: Opening,
  shown: string,
  options: SocketOptions,
  opened: Opened,
): Socket | undefined {
  try {
    checkLiteral(target.host, opening, shown)
  } catch (error) {
    opened(error as Error, null)
    return undefined
  }
  const socket = dial(target, opening, shown, options)
  const settle = (error: Error | null): void => {
    clearTimeout(timer)
    socket.off('error', onError).off(ready, onReady)
    if (error === null) {
      opened(null, socket)
    } else {
      // What still comes of a socket that was given up must not end the process.
      socket.on('error', () => {}).destroy()
      opened(error, null)
    }
  }
  const ready = target.secure ? 'secureConnect' : 'connect'
  const onReady = (): void => settle(null)
  const onError = (error: Error): void => settle(upstreamFailed(shown, 'cannot be connected to', error))
  const onTimeout = (): void => settle(upstreamTimeout(shown, 'was not connected to', options.connectTimeoutMs))
  const timer = startTimer(onTimeout, options.connectTimeoutMs)
  return socket.on('error', onError).on(ready, onReady)
}

/** Sockets look up names only, so hosts that are addresses already would pass unseen. */
function checkLiteral(host: string, opening: Opening, shown: string): void {
  if (isIP(host) !== 0) checkAddress(host, opening, shown)
  if (opening === 'public' && isLocalhostName(host)) throw egressRefused('E3', shown, 'the name means this machine')
}

function dial({ host, port, secure }: Target, opening: Opening, shown: string, options: SocketOptions): Socket {
  const where = { host, port, lookup: guardedLookup(options.lookup, opening, shown) }
  const socket = secure
    ? connectTls({
        ...where,
        // Whatever the environment says of unauthorised certificates is not for here.
        rejectUnauthorized: true,
        ...(isIP(host) === 0 ? { servername: host.replace(/\.$/, '') } : {}),
        ...(options.ca === undefined ? {} : { ca: options.ca }),
        ...(options.alpn === undefined ? {} : { ALPNProtocols: options.alpn }),
      })
    : connect(where)
  return socket.setNoDelay(true).setKeepAlive(true, 60_000)
}
