import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { AtpError, type Logger } from '@atp/core'
import { closeCodes } from '@atp/core/protocol'
import { type WebSocket, WebSocketServer } from 'ws'
import type { ServerLimits } from '../limits.ts'
import type { StoredKey } from '../store/store.ts'
import { bearerKey } from './bearer.ts'
import { greetPeer } from './greet-peer.ts'
import { HandshakeRefusal } from './handshake-refusal.ts'
import type { PeerAddress } from './peer-address.ts'
import { PeerSocket } from './peer-socket.ts'
import type { SocketAdmission } from './socket-admission.ts'
import type { SocketRoute } from './socket-route.ts'
import type { SocketWatch } from './socket-watch.ts'

/** What {@link attachUpgrade} needs. */
export interface UpgradeOptions {
  /** The first one that matches an address serves it. */
  routes: readonly SocketRoute[]
  admission: SocketAdmission
  addressOf: PeerAddress
  limits: ServerLimits
  watch: SocketWatch
  checkOrigin: (request: { host: string | undefined; origin: string | undefined }) => void
  isDraining: () => boolean
  /** Names each refused handshake, for its peer and for the log. */
  newId: () => string
  logger: Logger
}

/** Serves sockets on an HTTP server. */
export function attachUpgrade(server: Server, options: UpgradeOptions): void {
  const { limits, newId, logger } = options
  const acceptor = new SocketAcceptor(options)
  const { refusalDelayMs: delayMs, refusalsWaiting: maxWaiting } = limits
  const refusal = new HandshakeRefusal({ delayMs, maxWaiting, newId, logger })
  server.on('upgrade', (request, stream, head) => {
    // Until ws takes over, an error of the stream is ours to hear (rule T3).
    const onError = (error: Error): void => logger.debug('upgrade.stream_error', { error: error.message })
    stream.on('error', onError)
    acceptor.accept(request, stream, head).then(
      () => stream.off('error', onError),
      (error: unknown) => refusal.refuse(request, stream, error),
    )
  })
}

/** Turns handshakes into peers that are greeted. */
class SocketAcceptor {
  readonly #options: UpgradeOptions
  readonly #servers: { route: SocketRoute; server: WebSocketServer }[]

  constructor(options: UpgradeOptions) {
    this.#options = options
    this.#servers = options.routes.map((route) => ({ route, server: createWebSocketServer(route.maxFrameBytes) }))
  }

  /** @throws AtpError what the handshake is refused with */
  async accept(request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    const { admission } = this.#options
    const { route, server, keyInPath, laterKey } = this.#find(request.url ?? '')
    this.#refuseWhileDraining()
    this.#options.checkOrigin({ host: request.headers.host, origin: request.headers.origin })
    const address = this.#options.addressOf(request)
    const text = bearerKey(request.headers.authorization) ?? keyInPath
    const keyLater = text === undefined && route.greeting.firstFrame
    const key = keyLater ? undefined : await admission.authenticate(text, route, address)
    // Again: sockets that are there when the server closes are told, and one that came later would hold it up.
    this.#refuseWhileDraining()
    if (key) admission.countConnect()
    const leave = key ? undefined : admission.enterWithoutKey(address)
    let accepted = false
    server.handleUpgrade(request, stream, head, (socket) => {
      accepted = true
      this.#greet(route, socket, stream, { key, laterKey, address, leave })
    })
    // ws answers a bad handshake by itself, and calls back before it returns for a good one.
    if (!accepted) leave?.()
  }

  #refuseWhileDraining(): void {
    if (this.#options.isDraining()) throw new AtpError('server_shutting_down', 'The server restarts; connect again')
  }

  #greet(
    route: SocketRoute,
    socket: WebSocket,
    stream: Duplex,
    shown: {
      key: StoredKey | undefined
      laterKey: string | undefined
      address: string
      leave: (() => void) | undefined
    },
  ): void {
    const { admission, limits, watch, logger } = this.#options
    const { key, laterKey, address, leave } = shown
    const peer = new PeerSocket({ socket, stream, dialect: route.dialect, limits, watch, logger })
    if (leave) peer.onClose(leave)
    const allowFrames = key ? undefined : limitFirstFrame(socket, peer, limits.helloBytes)
    const onAuthenticated = (): void => {
      leave?.()
      allowFrames?.(route.maxFrameBytes)
    }
    greetPeer(peer, { route, admission, key, laterKey, address, onAuthenticated, limits, logger })
  }

  #find(url: string): {
    route: SocketRoute
    server: WebSocketServer
    keyInPath: string | undefined
    laterKey: string | undefined
  } {
    const [path = ''] = url.split('?', 1)
    for (const { route, server } of this.#servers) {
      const matched = route.match(path)
      if (matched) return { route, server, keyInPath: matched.key, laterKey: matched.laterKey }
    }
    throw new AtpError('not_found', 'There is no socket at this address')
  }
}

function createWebSocketServer(maxPayload: number): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload,
    // Rule T2: many tiny fragments cost more than their bytes.
    maxFragments: 1_024,
    maxBufferedChunks: 4_096,
    // A peer that does not finish a close, ours or its own, is gone for its callers soon.
    closeTimeout: 2_000,
    clientTracking: false,
    // Answers to pings that wait for a peer which does not read (rule T6).
    maxPendingAutoPongs: 60,
  } as ConstructorParameters<typeof WebSocketServer>[0])
}

/** What ws reads frames with. */
type FrameReader = NodeJS.EventEmitter & { _maxPayload: number }

/**
 * A peer without a key gets one small frame, and is closed with 4401 for a larger one before it has arrived (rule T4).
 * Returns what allows larger frames; above those, ws closes with 1009 (rule T2).
 */
function limitFirstFrame(socket: WebSocket, peer: PeerSocket, maxBytes: number): (maxFrameBytes: number) => void {
  // ws has no limit that can change: this is where it keeps the one it was given.
  const reader = (socket as WebSocket & { _receiver: FrameReader })._receiver
  reader._maxPayload = maxBytes
  const onError = ({ code }: NodeJS.ErrnoException): void => {
    if (code !== 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return
    peer.close(closeCodes.unauthorized, `the first frame may have ${maxBytes} bytes`)
  }
  // Before ws hears of it, which closes with 1009 whoever is not being closed already.
  reader.prependListener('error', onError)
  return (maxFrameBytes) => {
    reader._maxPayload = maxFrameBytes
    reader.off('error', onError)
  }
}
