import { AtpError, type Logger, type WireError } from '@atp/core'
import { decodeFromToolkit, encodeFrame, type FromToolkitFrame, type HelloFrame } from '@atp/core/protocol'
import type { MessageBus } from '../bus/message-bus.ts'
import type { ServingProcesses } from '../delivery/serving-processes.ts'
import type { SocketDelivery, ToolkitPeer } from '../delivery/socket.ts'
import { toolkitError } from '../delivery/toolkit-error.ts'
import type { ServerLimits } from '../limits.ts'
import type { Store, StoredToolkit } from '../store/store.ts'
import type { PeerSocket } from './peer-socket.ts'
import { helloGreeting, protocol2Dialect } from './protocol-2.ts'
import { RateWindow } from './rate-window.ts'
import { Receipts } from './receipts.ts'
import { exactPath, type SocketRoute } from './socket-route.ts'
import type { StaleTools } from './stale-tools.ts'
import { ToolkitInstances } from './toolkit-instances.ts'
import { toolkitOfKey } from './toolkit-of-key.ts'
import { ToolkitRegistration, type ToolkitRegistrationOptions } from './toolkit-registration.ts'

/** What the toolkit gateway needs. */
export interface ToolkitGatewayOptions {
  store: Store
  bus: MessageBus
  delivery: SocketDelivery
  /** All that serve a toolkit, also without a socket. */
  processes: ServingProcesses
  staleTools: StaleTools
  limits: ServerLimits
  logger: Logger
  /** Whether a toolkit may name an endpoint on this machine. @default false */
  dev?: boolean | undefined
}

/** Calls that run at once on a toolkit that does not say how many it takes. */
const defaultConcurrency = 64

/** `/ws/v2/toolkit`: toolkits connect here, register their tools and answer calls. */
export function createToolkitGateway(options: ToolkitGatewayOptions): SocketRoute<HelloFrame> {
  const { store, delivery, staleTools, limits, logger } = options
  // As many names as there are keys, which no peer can make.
  const rate = new RateWindow(limits.registrationsPerKeyPer10s, 10_000, { maxNames: Number.POSITIVE_INFINITY })
  const instances = new ToolkitInstances()
  return {
    match: exactPath('/ws/v2/toolkit'),
    kind: 'toolkit',
    maxFrameBytes: limits.toolkitFrameBytes,
    maxSocketsPerKey: limits.toolkitSocketsPerKey,
    greeting: helloGreeting,
    dialect: protocol2Dialect,
    async welcome(socket, key, hello) {
      const toolkit = await toolkitOfKey(store, key, hello.appName)
      const peer = createPeer(socket, toolkit.id, hello)
      const receipts = peer.resumableAs === undefined ? undefined : new Receipts(socket)
      const of = { toolkit, keyId: key.id }
      const connection = new ToolkitConnection({ peer, socket, receipts, of, options: { ...options, rate } })
      instances.add(peer.resumableAs, socket, () => delivery.remove(peer))
      delivery.add(peer)
      socket.onText = (text) => connection.onText(text)
      socket.send(
        encodeFrame({
          type: 'welcome',
          protocol: 2,
          capabilities: [resultsCapability, 'stream'],
          toolkitId: toolkit.id,
          toolkitHash: toolkit.hash ?? undefined,
          limits: {
            maxFrameBytes: limits.toolkitFrameBytes,
            maxResultBytes: limits.resultBytes,
            maxInFlight: limits.callsInFlightPerKey,
          },
          heartbeatMs: limits.heartbeatMs,
        }),
      )
      logger.info('toolkit.connected', { toolkit: toolkit.appName, toolkitId: toolkit.id })
      socket.onClose(() => {
        delivery.remove(peer)
        staleTools.processLost(toolkit.projectId, toolkit.id)
        logger.info('toolkit.disconnected', { toolkit: toolkit.appName, toolkitId: toolkit.id })
      })
    },
  }
}

/** Whoever says so keeps its results until they are acknowledged, and may bring them after a new connection. */
const resultsCapability = 'results'

function createPeer(socket: PeerSocket, toolkitId: string, hello: HelloFrame): ToolkitPeer {
  const resumes = hello.capabilities.includes(resultsCapability)
  return {
    socket,
    toolkitId,
    tools: new Set(),
    toolsHash: undefined,
    maxConcurrency: hello.maxConcurrency ?? defaultConcurrency,
    resumableAs: resumes ? `${toolkitId} ${hello.instanceId}` : undefined,
    running: new Map(),
    paused: false,
    sendCall(call) {
      socket.send(
        encodeFrame({
          type: 'call',
          requestId: call.id,
          tool: call.tool.name,
          params: call.params,
          deadlineMs: Math.ceil(call.remainingMs),
          authToken: call.tool.auth === null ? undefined : call.authToken,
          stream: call.stream || undefined,
          app: call.app,
          meta: call.meta,
        }),
        call,
      )
    },
    sendCancel(callId, reason) {
      socket.send(encodeFrame({ type: 'cancel', requestId: callId, reason }))
    },
  }
}

/** What a {@link ToolkitConnection} is made of. */
interface ToolkitConnectionParts {
  peer: ToolkitPeer
  socket: PeerSocket
  receipts: Receipts | undefined
  of: { toolkit: StoredToolkit; keyId: string }
  options: ToolkitGatewayOptions & Pick<ToolkitRegistrationOptions, 'rate'>
}

/** One connected toolkit process. */
class ToolkitConnection {
  readonly #peer: ToolkitPeer
  readonly #toolkit: StoredToolkit
  readonly #options: ToolkitConnectionParts['options']
  readonly #socket: PeerSocket
  readonly #receipts: Receipts | undefined
  readonly #registration: ToolkitRegistration

  constructor({ peer, socket, receipts, of, options }: ToolkitConnectionParts) {
    this.#peer = peer
    this.#toolkit = of.toolkit
    this.#options = options
    this.#socket = socket
    this.#receipts = receipts
    this.#registration = new ToolkitRegistration(peer, socket, of, options)
  }

  onText(text: string): void {
    const decoded = decodeFromToolkit(text)
    if (!decoded.ok) this.#onBadFrame(decoded.error, decoded.requestId)
    else if (decoded.frame.type === 'result') this.#onResult(decoded.frame, text)
    else this.#onFrame(decoded.frame, text.length)
  }

  #onFrame(frame: Exclude<FromToolkitFrame, { type: 'result' }>, frameChars: number): void {
    switch (frame.type) {
      case 'register':
      case 'unregister':
        this.#registration.take(frame, frameChars)
        void this.#registration.settled().then(() => this.#options.delivery.registered(this.#peer))
        return
      case 'ack':
        this.#peer.running.get(frame.requestId)?.acked()
        return
      case 'drain':
        this.#peer.paused = true
        return
      case 'progress':
        this.#options.delivery.onPart(this.#peer, frame.requestId, { type: 'progress', progress: frame.progress })
        return
      case 'chunk': {
        const { sequence, data } = frame
        this.#options.delivery.onPart(this.#peer, frame.requestId, { type: 'chunk', sequence, data })
        return
      }
      case 'running':
        this.#options.delivery.resume(this.#peer, frame.requestIds, frame.complete)
        return
      case 'error':
        this.#onError(frame.requestId, frame.error)
        return
      case 'hello':
        this.#socket.refuse(new AtpError('invalid_request', 'hello was said already'))
        return
      default:
        frame satisfies never
    }
  }

  #onResult(frame: Extract<FromToolkitFrame, { type: 'result' }>, text: string): void {
    // Also of one that nobody waits for: its process must not keep it for ever.
    this.#receipts?.add(frame.requestId, this.#options.delivery.callOf(this.#peer, frame.requestId))
    const cap = this.#options.limits.resultBytes
    // The frame is larger than the result in it: only a frame above the cap is worth measuring.
    if (frame.ok && text.length * 3 > cap && Buffer.byteLength(JSON.stringify(frame.result)) > cap) {
      const error = new AtpError('result_too_large', `The result is larger than ${cap} bytes of JSON`)
      const { code, message, retryable } = error
      this.#options.delivery.onResult(this.#peer, {
        type: 'result',
        requestId: frame.requestId,
        ok: false,
        error: { code, message, retryable },
      })
    } else if (frame.ok) this.#options.delivery.onResult(this.#peer, frame)
    else this.#fail(frame.requestId, frame.error)
  }

  /** A toolkit that cannot read a call says so this way; its caller must not wait for the deadline. */
  #onError(requestId: string | undefined, error: WireError): void {
    const isOfCall = requestId !== undefined && this.#peer.running.has(requestId)
    // What is about no call is not worth a warning: nothing limits how often a peer says so.
    this.#options.logger[isOfCall ? 'warn' : 'debug']('toolkit.error', {
      toolkitId: this.#toolkit.id,
      code: error.code,
    })
    if (isOfCall) this.#fail(requestId, error)
  }

  #fail(requestId: string, error: WireError): void {
    this.#options.delivery.onResult(this.#peer, { type: 'result', requestId, ok: false, error: toolkitError(error) })
  }

  /** A result that cannot be read still ends its call: the caller must not wait for the deadline. */
  #onBadFrame(error: AtpError, requestId: string | undefined): void {
    const call = requestId === undefined ? undefined : this.#peer.running.get(requestId)
    if (call) {
      const { code, message, retryable } = new AtpError(
        'invalid_result',
        `Toolkit "${this.#toolkit.appName}" sent an answer that cannot be read: ${error.message}`,
      )
      const frame = { type: 'result', requestId: call.id, ok: false, error: { code, message, retryable } } as const
      this.#options.delivery.onResult(this.#peer, frame)
    }
    this.#socket.refuse(error, requestId)
  }
}
