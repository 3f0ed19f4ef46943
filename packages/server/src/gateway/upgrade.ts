import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { AtpError, isAtpError, type Logger, toWireError } from '@atp/core'
import { closeCodes, decodeFromLlm, encodeFrame, errorFrame, type HelloFrame } from '@atp/core/protocol'
import { type WebSocket, WebSocketServer } from 'ws'
import type { KeyService } from '../keys/key-service.ts'
import type { ServerLimits } from '../limits.ts'
import type { StoredKey } from '../store/store.ts'
import { bearerKey } from './bearer.ts'
import { PeerSocket } from './peer-socket.ts'
import { RateWindow } from './rate-window.ts'
import type { SocketWatch } from './socket-watch.ts'

/** One kind of peer: which key it shows, how large its frames are, and who serves it after hello. */
export interface SocketRoute {
  path: string
  kind: 'toolkit' | 'llm'
  maxFrameBytes: number
  maxSocketsPerKey: number
  /**
   * Takes over a peer that said hello: sets `onText` and `onClose` and sends the welcome.
   * @throws AtpError what the peer is refused with
   */
  welcome(socket: PeerSocket, key: StoredKey, hello: HelloFrame): Promise<void>
}

/** What {@link attachUpgrade} needs. */
export interface UpgradeOptions {
  routes: readonly SocketRoute[]
  keys: KeyService
  limits: ServerLimits
  watch: SocketWatch
  checkOrigin: (request: { host: string | undefined; origin: string | undefined }) => void
  isDraining: () => boolean
  logger: Logger
}

/** What a peer may send between its hello and our welcome, in characters; ours send nothing. */
const maxEarlyText = 65_536

/** Serves sockets on an HTTP server. Returns what closes the sockets of one key. */
export function attachUpgrade(server: Server, options: UpgradeOptions): { closeKey(keyId: string): void } {
  const acceptor = new SocketAcceptor(options)
  server.on('upgrade', (request, stream, head) => {
    // Until ws takes over, an error of the stream is ours to hear (rule T3).
    const onError = (error: Error): void => options.logger.debug('upgrade.stream_error', { error: error.message })
    stream.on('error', onError)
    acceptor.accept(request, stream, head).then(
      () => stream.off('error', onError),
      (error: unknown) => refuseUpgrade(stream, error, options.logger),
    )
  })
  return acceptor
}

class SocketAcceptor {
  readonly #options: UpgradeOptions
  readonly #servers = new Map<string, { route: SocketRoute; server: WebSocketServer }>()
  readonly #socketsByKey = new Map<string, Set<PeerSocket>>()
  readonly #connectsOfKey: RateWindow
  readonly #connects: RateWindow
  /** Counted apart, so that peers without a key cannot use up what is there for those with one. */
  readonly #keylessConnects: RateWindow

  constructor(options: UpgradeOptions) {
    this.#options = options
    this.#connectsOfKey = new RateWindow(options.limits.connectsPerKeyPer10s, 10_000)
    this.#connects = new RateWindow(options.limits.connectsPerSecond, 1_000)
    this.#keylessConnects = new RateWindow(options.limits.connectsPerSecond, 1_000)
    for (const route of options.routes) {
      const server = new WebSocketServer({
        noServer: true,
        perMessageDeflate: false,
        maxPayload: route.maxFrameBytes,
        // Rule T2: many tiny fragments cost more than their bytes.
        maxFragments: 1_024,
        maxBufferedChunks: 4_096,
        // A peer that does not finish a close, ours or its own, is gone for its callers soon.
        closeTimeout: 2_000,
        clientTracking: false,
      } as ConstructorParameters<typeof WebSocketServer>[0])
      this.#servers.set(route.path, { route, server })
    }
  }

  async accept(request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    const { limits, keys } = this.#options
    const [path = ''] = (request.url ?? '').split('?', 1)
    const found = this.#servers.get(path.endsWith('/') ? path.slice(0, -1) : path)
    if (!found) throw new AtpError('not_found', 'There is no socket at this address')
    if (this.#options.isDraining()) throw new AtpError('server_shutting_down', 'The server restarts; connect again')
    this.#options.checkOrigin({ host: request.headers.host, origin: request.headers.origin })
    const { route, server } = found
    const text = bearerKey(request.headers.authorization)
    const key = text === undefined ? undefined : this.#admit(await keys.authenticate(text, [route.kind]), route)
    // Only connections that are accepted count (rule T8): a flood of wrong keys must not shut out the right ones.
    const connects = key ? this.#connects : this.#keylessConnects
    limited(connects.take(''), 'This server takes no more new connections at the moment')
    await new Promise<void>((resolve) => {
      server.handleUpgrade(request, stream, head, (socket) => {
        resolve()
        if (!key) tightenFrames(socket, limits.helloBytes)
        const peer = new PeerSocket({
          socket,
          stream,
          limits,
          watch: this.#options.watch,
          logger: this.#options.logger,
        })
        this.#greet(peer, route, key, () => tightenFrames(socket, route.maxFrameBytes))
      })
    })
  }

  /** Closes the sockets of a revoked key (rule K5). */
  closeKey(keyId: string): void {
    for (const socket of this.#socketsByKey.get(keyId) ?? []) {
      socket.close(closeCodes.unauthorized, 'the key was revoked')
    }
  }

  #admit(key: StoredKey, route: SocketRoute): StoredKey {
    limited(this.#connectsOfKey.take(key.id), 'This key connects too often')
    this.#checkSockets(key, route)
    return key
  }

  #checkSockets(key: StoredKey, route: SocketRoute): void {
    if ((this.#socketsByKey.get(key.id)?.size ?? 0) < route.maxSocketsPerKey) return
    throw new AtpError(
      'rate_limited',
      `This key has ${route.maxSocketsPerKey} open sockets, which is its limit; close one or use another key`,
      { details: { retryAfterMs: 5_000 } },
    )
  }

  /** Waits for hello, checks the key where it comes with hello, and hands the peer to its gateway. */
  #greet(peer: PeerSocket, route: SocketRoute, headerKey: StoredKey | undefined, authenticated: () => void): void {
    let hello: HelloFrame | undefined
    const early: string[] = []
    let earlyText = 0
    const timer = setTimeout(() => {
      peer.close(closeCodes.unauthorized, 'no hello in time')
    }, this.#options.limits.helloTimeoutMs)
    peer.onClose = () => clearTimeout(timer)
    peer.onText = (text) => {
      if (hello) {
        earlyText += text.length + 1
        if (earlyText > maxEarlyText) peer.close(closeCodes.protocolError, 'wait for the welcome')
        else early.push(text)
        return
      }
      const decoded = decodeFromLlm(text)
      if (!decoded.ok || decoded.frame.type !== 'hello') {
        const error = decoded.ok ? new AtpError('invalid_request', 'The first frame must be hello') : decoded.error
        // Whoever asked too early still waits for an answer to that request.
        const frame = decoded.ok ? decoded.frame : decoded
        peer.send(encodeFrame(errorFrame(error, 'requestId' in frame ? frame.requestId : undefined)))
        peer.close(closeCodes.protocolError, 'the first frame must be hello')
        return
      }
      hello = decoded.frame
      void this.#welcome(peer, route, headerKey, hello, authenticated)
        .then(() => {
          for (const frame of early) peer.onText(frame)
        })
        .catch((error: unknown) => refusePeer(peer, error, this.#options.logger))
        .finally(() => clearTimeout(timer))
    }
  }

  async #welcome(
    peer: PeerSocket,
    route: SocketRoute,
    headerKey: StoredKey | undefined,
    hello: HelloFrame,
    authenticated: () => void,
  ): Promise<void> {
    const key = headerKey ?? this.#admit(await this.#options.keys.authenticate(hello.apiKey ?? '', [route.kind]), route)
    authenticated()
    if (peer.gone) return
    // Again, because many may have been let in before the first of them said hello.
    this.#checkSockets(key, route)
    const sockets = this.#socketsByKey.get(key.id) ?? new Set()
    this.#socketsByKey.set(key.id, sockets.add(peer))
    const expiry = closeAtExpiry(peer, key)
    const forget = (): void => {
      clearTimeout(expiry)
      sockets.delete(peer)
      if (sockets.size === 0 && this.#socketsByKey.get(key.id) === sockets) this.#socketsByKey.delete(key.id)
    }
    peer.onClose = forget
    // Looked at again now that a revocation finds this socket: one that came before could not.
    if (!(await this.#options.keys.isLive(key))) throw new AtpError('unauthorized', 'The key was revoked')
    await route.welcome(peer, key, hello)
    const served = peer.onClose
    peer.onClose = () => {
      forget()
      served()
    }
    // A peer that went while the welcome was prepared was forgotten, but not by the gateway that took it over since.
    if (peer.gone) served()
  }
}

/** A socket lives no longer than the key that opened it. */
function closeAtExpiry(peer: PeerSocket, key: StoredKey): ReturnType<typeof setTimeout> | undefined {
  if (key.expiresAt === null) return undefined
  const delayMs = key.expiresAt - Date.now()
  // A longer timer would fire at once; no socket lives for weeks without a reconnect, which checks the key again.
  if (delayMs > 2 ** 31 - 1) return undefined
  return setTimeout(() => peer.close(closeCodes.unauthorized, 'the key expired'), delayMs)
}

/** A peer without a key gets small frames only (rule T4); afterwards the limit of its kind holds. */
function tightenFrames(socket: WebSocket, maxBytes: number): void {
  const receiver = (socket as WebSocket & { _receiver?: { _maxPayload: number } })._receiver
  if (receiver) receiver._maxPayload = maxBytes
}

function limited(waitMs: number, message: string): void {
  if (waitMs === 0) return
  throw new AtpError('rate_limited', `${message}; try again later`, { details: { retryAfterMs: Math.ceil(waitMs) } })
}

function refusePeer(peer: PeerSocket, error: unknown, logger: Logger): void {
  if (!isAtpError(error))
    logger.error('gateway.defect', { error: error instanceof Error ? error.stack : String(error) })
  const wire = toWireError(error)
  peer.send(encodeFrame(errorFrame(error)))
  peer.close(closeOf(wire.code), wire.message)
}

function closeOf(code: string): number {
  if (code === 'unauthorized') return closeCodes.unauthorized
  if (code === 'forbidden') return closeCodes.forbidden
  if (code === 'toolkit_name_conflict') return closeCodes.conflict
  if (code === 'rate_limited' || code === 'store_unavailable') return closeCodes.tryAgainLater
  return code === 'internal_error' ? closeCodes.internalError : closeCodes.protocolError
}

/** Answers a refused handshake like any HTTP request. */
function refuseUpgrade(stream: Duplex, error: unknown, logger: Logger): void {
  if (!isAtpError(error))
    logger.error('gateway.defect', { error: error instanceof Error ? error.stack : String(error) })
  const wire = toWireError(error)
  const status = isAtpError(error) ? error.status : 500
  const body = JSON.stringify({ error: wire.message, code: wire.code })
  const retryAfterMs = wire.details?.retryAfterMs
  const retry = typeof retryAfterMs === 'number' ? `Retry-After: ${Math.ceil(retryAfterMs / 1_000)}\r\n` : ''
  // Destroyed once written: a client that keeps its half open would hold the connection for ever.
  stream.end(
    `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `${retry}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => stream.destroy(),
  )
}
