import { AtpError, type Logger } from '@atp/core'
import { closeCodes } from '@atp/core/protocol'
import type { ServerLimits } from '../limits.ts'
import { logDefect } from '../logging/log-defect.ts'
import type { StoredKey } from '../store/store.ts'
import type { PeerSocket } from './peer-socket.ts'
import type { SocketAdmission } from './socket-admission.ts'
import type { SocketRoute } from './socket-route.ts'

/** What {@link greetPeer} needs. */
export interface GreetOptions {
  route: SocketRoute
  admission: SocketAdmission
  /** The key that the handshake showed. Given wherever the route awaits no first frame. */
  key: StoredKey | undefined
  /** What the address showed, for a first frame without a key. */
  laterKey: string | undefined
  /** Where the peer comes from, as `PeerAddress` names it. */
  address: string
  /** Called once the peer has shown a good key. */
  onAuthenticated: () => void
  limits: ServerLimits
  logger: Logger
}

/** What a peer may send between its first frame and our welcome, in characters; ours send nothing. */
const maxEarlyText = 65_536

/** Learns who a peer is and hands it to its gateway; or refuses it (rule T4). */
export function greetPeer(peer: PeerSocket, options: GreetOptions): void {
  const { route, limits } = options
  if (!route.greeting.firstFrame) {
    welcomePeer(peer, options, undefined, undefined)
    return
  }
  const timer = setTimeout(() => {
    route.greeting.refuse(peer, new AtpError('unauthorized', 'The peer did not say who it is in time'))
  }, limits.helloTimeoutMs)
  peer.onClose(() => clearTimeout(timer))
  peer.onText = (text) => {
    clearTimeout(timer)
    try {
      const { apiKey, first } = route.greeting.read(text)
      welcomePeer(peer, options, apiKey, first)
    } catch (error) {
      refusePeer(peer, options, error, text)
    }
  }
}

/** What comes meanwhile waits for the gateway, but only from a peer whose key is known to be good. */
function welcomePeer(peer: PeerSocket, options: GreetOptions, apiKey: string | undefined, first: unknown): void {
  const early: string[] = []
  let earlyText = 0
  let authenticated = options.key !== undefined
  peer.onText = (text) => {
    earlyText += text.length + 1
    if (!authenticated) {
      refusePeer(peer, options, new AtpError('unauthorized', 'One frame is taken before the key in it is checked'))
    } else if (earlyText > maxEarlyText) peer.close(closeCodes.protocolError, 'wait for the welcome')
    else early.push(text)
  }
  const welcome = async (): Promise<void> => {
    const { route, admission, address } = options
    const key = options.key ?? (await admission.authenticate(apiKey ?? options.laterKey, route, address))
    authenticated = true
    options.onAuthenticated()
    if (!peer.open) return
    await admission.enter(peer, key, route)
    await route.welcome(peer, key, first)
    for (const text of early) peer.onText(text)
  }
  welcome().catch((error: unknown) => refusePeer(peer, options, error))
}

function refusePeer(peer: PeerSocket, { route, logger }: GreetOptions, error: unknown, firstFrame?: string): void {
  logDefect(logger, error)
  route.greeting.refuse(peer, error, firstFrame)
}
