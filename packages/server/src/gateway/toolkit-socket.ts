import { AtpError, type ErrorCode, type Logger, type ToolDescriptor, type WireError } from '@atp/core'
import {
  decodeFromToolkit,
  encodeFrame,
  type FromToolkitFrame,
  fromWireTool,
  type HelloFrame,
  type RegisterFrame,
  toolkitHash,
  type UnregisterFrame,
} from '@atp/core/protocol'
import type { MessageBus } from '../bus/message-bus.ts'
import type { SocketDelivery, ToolkitPeer } from '../delivery/socket.ts'
import type { ServerLimits } from '../limits.ts'
import type { Store, StoredKey, StoredToolkit } from '../store/store.ts'
import type { PeerSocket } from './peer-socket.ts'
import type { StaleTools } from './stale-tools.ts'
import type { SocketRoute } from './upgrade.ts'

/** What the toolkit gateway needs. */
export interface ToolkitGatewayOptions {
  store: Store
  bus: MessageBus
  delivery: SocketDelivery
  staleTools: StaleTools
  limits: ServerLimits
  logger: Logger
}

/** Calls that run at once on a toolkit that does not say how many it takes. */
const defaultConcurrency = 64

/** `/ws/v2/toolkit`: toolkits connect here, register their tools and answer calls. */
export function createToolkitGateway(options: ToolkitGatewayOptions): SocketRoute {
  const { store, delivery, staleTools, limits, logger } = options
  return {
    path: '/ws/v2/toolkit',
    kind: 'toolkit',
    maxFrameBytes: limits.toolkitFrameBytes,
    maxSocketsPerKey: limits.toolkitSocketsPerKey,
    async welcome(socket, key, hello) {
      const toolkit = await toolkitOf(store, key, hello)
      const peer: ToolkitPeer = {
        socket,
        toolkitId: toolkit.id,
        tools: new Set(),
        toolsHash: undefined,
        maxConcurrency: hello.maxConcurrency ?? defaultConcurrency,
        running: new Map(),
        draining: false,
      }
      const connection = new ToolkitConnection(peer, toolkit, options)
      delivery.add(peer)
      socket.onText = (text) => connection.onText(text)
      socket.onClose = () => {
        delivery.remove(peer)
        staleTools.processLost(toolkit.projectId, toolkit.id)
        logger.info('toolkit.disconnected', { toolkit: toolkit.appName, toolkitId: toolkit.id })
      }
      socket.send(
        encodeFrame({
          type: 'welcome',
          protocol: 2,
          capabilities: [],
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
    },
  }
}

/** The toolkit a key stands for; a key without one is bound to the name its client gives first. */
async function toolkitOf(store: Store, key: StoredKey, hello: HelloFrame): Promise<StoredToolkit> {
  const { projectId } = key
  let toolkitId = key.toolkitId
  if (toolkitId === null) {
    if (hello.appName === undefined) {
      throw new AtpError('invalid_request', 'This key stands for no toolkit yet: say app_name in hello')
    }
    const named = await store.toolkits.ensure(projectId, hello.appName, Date.now())
    toolkitId = await store.keys.bindToolkit(key.id, named.id)
  }
  const toolkit = await store.toolkits.find(projectId, toolkitId)
  if (!toolkit) throw new AtpError('toolkit_not_found', 'The toolkit this key stands for is gone')
  if (hello.appName !== undefined && hello.appName !== toolkit.appName) {
    throw new AtpError(
      'toolkit_name_conflict',
      `This key stands for toolkit "${toolkit.appName}", not for "${hello.appName}"; ` +
        `create another one with: atp keys create --kind toolkit --name "${hello.appName}"`,
    )
  }
  return toolkit
}

/** One connected toolkit process. */
class ToolkitConnection {
  readonly #peer: ToolkitPeer
  readonly #toolkit: StoredToolkit
  readonly #options: ToolkitGatewayOptions
  readonly #socket: PeerSocket
  /** Registrations of one socket are done one after the other, in the order they came. */
  #registering: Promise<void> = Promise.resolve()

  constructor(peer: ToolkitPeer, toolkit: StoredToolkit, options: ToolkitGatewayOptions) {
    this.#peer = peer
    this.#toolkit = toolkit
    this.#options = options
    this.#socket = peer.socket
  }

  onText(text: string): void {
    const decoded = decodeFromToolkit(text)
    if (!decoded.ok) this.#onBadFrame(decoded.error, decoded.requestId)
    else if (decoded.frame.type === 'result') this.#onResult(decoded.frame, text)
    else this.#onFrame(decoded.frame)
  }

  #onFrame(frame: Exclude<FromToolkitFrame, { type: 'result' }>): void {
    switch (frame.type) {
      case 'register':
        this.#queue(frame, () => this.#register(frame))
        return
      case 'unregister':
        this.#queue(frame, () => this.#unregister(frame))
        return
      case 'ack':
        this.#peer.running.get(frame.requestId)?.acked()
        return
      case 'drain':
        this.#peer.draining = true
        return
      case 'progress':
      case 'chunk':
        // Partial results are for callers that asked for them, which no capability of this version does.
        return
      case 'error':
        this.#options.logger.warn('toolkit.error', { toolkitId: this.#toolkit.id, code: frame.error.code })
        // A toolkit that cannot read a call says so this way; its caller must not wait for the deadline.
        if (frame.requestId !== undefined) this.#fail(frame.requestId, frame.error)
        return
      case 'hello':
        this.#socket.refuse(new AtpError('invalid_request', 'hello was said already'))
        return
      default:
        frame satisfies never
    }
  }

  #onResult(frame: Extract<FromToolkitFrame, { type: 'result' }>, text: string): void {
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

  #queue(frame: { requestId: string }, work: () => Promise<void>): void {
    this.#registering = this.#registering.then(work).catch((error: unknown) => {
      const known = error instanceof AtpError ? error : new AtpError('internal_error', 'Internal error')
      if (known !== error) this.#options.logger.error('registration.defect', { error: String(error) })
      this.#socket.refuse(known, frame.requestId)
    })
  }

  async #register(frame: RegisterFrame): Promise<void> {
    const { store, delivery } = this.#options
    const { projectId, id } = this.#toolkit
    if (frame.tools === undefined) {
      const names = await this.#namesOf(frame.toolkitHash)
      if (names) {
        this.#peer.tools = names
        this.#peer.toolsHash = frame.toolkitHash
      }
      return this.#answer(frame.requestId, { resend: names === undefined })
    }
    const { accepted, rejected } = readTools(frame.tools)
    const names = new Set(accepted.map((tool) => tool.name))
    const stored = await store.toolkits.tools(projectId, id)
    // A tool that is no longer registered goes, unless another process still serves it.
    const served = (name: string): boolean =>
      [...delivery.peersOf(id)].some((peer) => peer !== this.#peer && peer.tools.has(name))
    const remove = stored.map((tool) => tool.name).filter((name) => !names.has(name) && !served(name))
    // Known as served before they are stored, so that nobody takes them for tools without a process.
    const before = this.#peer.tools
    this.#peer.tools = names
    try {
      await this.#store(frame.toolkitHash, frame, accepted, remove)
    } catch (error) {
      this.#peer.tools = before
      throw error
    }
    this.#peer.toolsHash = frame.toolkitHash
    this.#answer(frame.requestId, { rejected })
  }

  /**
   * The tools that a hash stands for. What is stored may be more: tools of another version that still is connected. So
   * either a connected process registered under that hash, or the stored tools are exactly those that have it.
   */
  async #namesOf(hash: string): Promise<ReadonlySet<string> | undefined> {
    const { store, delivery } = this.#options
    const { projectId, id } = this.#toolkit
    const stored = await store.toolkits.find(projectId, id)
    // Another version registered since: what is stored has to be written again.
    if (stored?.hash !== hash) return undefined
    for (const peer of delivery.peersOf(id)) if (peer.toolsHash === hash) return peer.tools
    const tools = await store.toolkits.tools(projectId, id)
    const description = { caption: stored.caption || undefined, instructions: stored.instructions ?? undefined }
    return (await toolkitHash({ ...description, tools })) === hash ? new Set(tools.map((tool) => tool.name)) : undefined
  }

  async #unregister(frame: UnregisterFrame): Promise<void> {
    const { store, delivery } = this.#options
    const { projectId, id } = this.#toolkit
    const leaving = new Set(frame.tools.filter((name) => this.#peer.tools.has(name)))
    this.#peer.tools = new Set([...this.#peer.tools].filter((name) => !leaving.has(name)))
    this.#peer.toolsHash = frame.toolkitHash
    const remove = [...leaving].filter((name) => ![...delivery.peersOf(id)].some((peer) => peer.tools.has(name)))
    const stored = await store.toolkits.find(projectId, id)
    const description = { caption: stored?.caption, instructions: stored?.instructions ?? undefined }
    await this.#store(frame.toolkitHash, description, [], remove)
    this.#answer(frame.requestId, {})
  }

  async #store(
    hash: string,
    description: { caption?: string | undefined; instructions?: string | undefined },
    upsert: ToolDescriptor[],
    remove: string[],
  ): Promise<void> {
    const { store, bus, logger } = this.#options
    const { projectId, id, appName } = this.#toolkit
    const saved = await store.toolkits.register(projectId, id, {
      caption: description.caption ?? '',
      instructions: description.instructions ?? null,
      hash,
      upsert,
      remove,
      now: Date.now(),
    })
    if (!saved) throw new AtpError('toolkit_not_found', `Toolkit "${appName}" is gone`)
    await bus.publish('toolkit.changed', { toolkitId: id })
    logger.info('toolkit.registered', { toolkitId: id, tools: upsert.length, removed: remove.length })
  }

  #answer(
    requestId: string,
    answer: { rejected?: { name: string; code: string; message: string }[]; resend?: boolean },
  ): void {
    this.#socket.send(
      encodeFrame({
        type: 'registered',
        requestId,
        toolkitId: this.#toolkit.id,
        tools: [...this.#peer.tools],
        rejected: answer.rejected ?? [],
        resend: answer.resend ?? false,
      }),
    )
  }
}

/** What a toolkit may report of a call. Other codes are about keys and connections, which are not its to judge. */
const toolkitCodes = new Set<ErrorCode>([
  'tool_error',
  'tool_not_found',
  'invalid_request',
  'invalid_params',
  'missing_params',
  'missing_token',
  'invalid_result',
  'result_too_large',
  'deadline_exceeded',
  'cancelled',
  'busy',
  'internal_error',
])

/** The longest details of a toolkit's error, as characters of JSON. */
const maxDetailsLength = 65_536

function toolkitError({ code, message, retryable, details }: WireError): WireError {
  const small = details !== undefined && JSON.stringify(details).length <= maxDetailsLength
  return { code: toolkitCodes.has(code) ? code : 'tool_error', message, retryable, ...(small ? { details } : {}) }
}

/** One bad tool never refuses the others. */
function readTools(values: unknown[]): {
  accepted: ToolDescriptor[]
  rejected: { name: string; code: string; message: string }[]
} {
  const accepted = new Map<string, ToolDescriptor>()
  const rejected: { name: string; code: string; message: string }[] = []
  for (const value of values) {
    try {
      const tool = fromWireTool(value)
      if (accepted.has(tool.name)) {
        throw new AtpError('duplicate_tool', `Tool "${tool.name}" is in the registration twice`)
      }
      accepted.set(tool.name, tool)
    } catch (error) {
      if (!(error instanceof AtpError)) throw error
      const name = (value as { name?: unknown } | null)?.name
      rejected.push({
        name: typeof name === 'string' ? name.slice(0, 128) : '',
        code: error.code,
        message: error.message,
      })
    }
  }
  return { accepted: [...accepted.values()], rejected }
}
