import { setTimeout as wait } from 'node:timers/promises'
import { AtpError, isAtpError, type Logger, type ToolDescriptor } from '@atp/core'
import { encodeFrame, fromWireTool, type RegisterFrame, toolkitHash, type UnregisterFrame } from '@atp/core/protocol'
import type { MessageBus } from '../bus/message-bus.ts'
import type { ServingProcess, ServingProcesses } from '../delivery/serving-processes.ts'
import type { ServerLimits } from '../limits.ts'
import { logDefect } from '../logging/log-defect.ts'
import type { Store, StoredToolkit } from '../store/store.ts'
import type { PeerSocket } from './peer-socket.ts'
import type { RateWindow } from './rate-window.ts'
import { registerEndpoint } from './set-endpoint.ts'

/** What a {@link ToolkitRegistration} is made of. */
export interface ToolkitRegistrationOptions {
  store: Pick<Store, 'toolkits'>
  bus: MessageBus
  processes: ServingProcesses
  limits: ServerLimits
  logger: Logger
  /** Counts the registrations of each key within ten seconds. */
  rate: RateWindow
  /** Whether a toolkit may name an endpoint on this machine. @default false */
  dev?: boolean | undefined
}

/** Where answers go. */
export type RegistrationSocket = Pick<PeerSocket, 'gone' | 'send' | 'refuse'>

type Rejected = { name: string; code: string; message: string }

/** Registrations of one socket that wait at most, however small they are. */
const maxWaiting = 64

/** Keeps what is stored of a toolkit equal to what one process of it registers, and tells the process. */
export class ToolkitRegistration {
  readonly #peer: ServingProcess
  readonly #socket: RegistrationSocket
  readonly #toolkit: StoredToolkit
  readonly #keyId: string
  readonly #options: ToolkitRegistrationOptions
  /** Registrations of one socket are done one after the other, in the order they came. */
  #last: Promise<void> = Promise.resolve()
  #waiting = 0
  #waitingChars = 0

  constructor(
    peer: ServingProcess,
    socket: RegistrationSocket,
    of: { toolkit: StoredToolkit; keyId: string },
    options: ToolkitRegistrationOptions,
  ) {
    this.#peer = peer
    this.#socket = socket
    this.#toolkit = of.toolkit
    this.#keyId = of.keyId
    this.#options = options
  }

  /**
   * Registers or unregisters once those before it are done, and no sooner than the rate of its key allows: a toolkit
   * that registers often is slowed down, one that does not wait for answers is refused (rule T8).
   * @param frameChars how large the frame was
   */
  take(frame: RegisterFrame | UnregisterFrame, frameChars: number): void {
    const waitingChars = this.#waitingChars + frameChars
    const tooMany = this.#waiting >= maxWaiting || waitingChars > this.#options.limits.waitingRegistrationChars
    if (this.#waiting > 0 && tooMany) {
      const error = new AtpError('rate_limited', 'Too many registrations wait on this socket; wait for their answers')
      this.#socket.refuse(error, frame.requestId)
      return
    }
    this.#waiting += 1
    this.#waitingChars = waitingChars
    this.#last = this.#last.then(async () => {
      try {
        if (await this.#itsTurn()) await this.#do(frame)
      } catch (error) {
        this.#refuse(error, frame.requestId)
      }
      this.#waiting -= 1
      this.#waitingChars -= frameChars
    })
  }

  /** Resolves when what was taken so far is done. */
  settled(): Promise<void> {
    return this.#last
  }

  /** Resolves with false when the process is gone: nobody hears what becomes of its registration. */
  async #itsTurn(): Promise<boolean> {
    while (!this.#socket.gone) {
      const waitMs = this.#options.rate.take(this.#keyId)
      if (waitMs === 0) return true
      await wait(waitMs, undefined, { ref: false })
    }
    return false
  }

  async #do(frame: RegisterFrame | UnregisterFrame): Promise<void> {
    if (frame.type === 'unregister') return this.#unregister(frame)
    if (frame.endpointUrl !== undefined) await registerEndpoint(this.#options, this.#toolkit, frame.endpointUrl)
    if (frame.tools === undefined) await this.#registerByHash(frame)
    else await this.#register(frame, frame.tools)
  }

  #refuse(error: unknown, requestId: string): void {
    logDefect(this.#options.logger, error)
    this.#socket.refuse(isAtpError(error) ? error : new AtpError('internal_error', 'Internal error'), requestId)
  }

  async #registerByHash(frame: RegisterFrame): Promise<void> {
    const names = await this.#namesOf(frame.toolkitHash)
    if (names) {
      this.#peer.tools = names
      this.#peer.toolsHash = frame.toolkitHash
    }
    this.#answer(frame.requestId, { resend: names === undefined })
  }

  async #register(frame: RegisterFrame, tools: unknown[]): Promise<void> {
    const { accepted, rejected } = readTools(tools)
    const names = new Set(accepted.map((tool) => tool.name))
    const stored = await this.#options.store.toolkits.tools(this.#toolkit.projectId, this.#toolkit.id)
    // A tool that is no longer registered goes, unless another process still serves it.
    const remove = stored.map((tool) => tool.name).filter((name) => !names.has(name) && !this.#othersServe(name))
    // Known as served before they are stored, so that nobody takes them for tools without a process.
    await this.#serving(names, frame.toolkitHash, () => this.#store(frame.toolkitHash, frame, accepted, remove))
    this.#answer(frame.requestId, { rejected })
  }

  async #unregister(frame: UnregisterFrame): Promise<void> {
    const leaving = new Set(frame.tools.filter((name) => this.#peer.tools.has(name)))
    const staying = new Set([...this.#peer.tools].filter((name) => !leaving.has(name)))
    const remove = [...leaving].filter((name) => !this.#othersServe(name))
    const { store } = this.#options
    // No call goes to a tool any more that its process has removed, while the store is told.
    await this.#serving(staying, frame.toolkitHash, async () => {
      const stored = await store.toolkits.find(this.#toolkit.projectId, this.#toolkit.id)
      const description = { caption: stored?.caption, instructions: stored?.instructions ?? undefined }
      await this.#store(frame.toolkitHash, description, [], remove)
    })
    this.#answer(frame.requestId, {})
  }

  /** The process serves these tools from now on; unless they cannot be stored, when it serves what it did before. */
  async #serving(names: ReadonlySet<string>, hash: string, store: () => Promise<void>): Promise<void> {
    const before = this.#peer.tools
    this.#peer.tools = names
    try {
      await store()
    } catch (error) {
      this.#peer.tools = before
      throw error
    }
    this.#peer.toolsHash = hash
  }

  #othersServe(name: string): boolean {
    for (const peer of this.#options.processes.peersOf(this.#toolkit.id)) {
      if (peer !== this.#peer && peer.tools.has(name)) return true
    }
    return false
  }

  /**
   * The tools that a hash stands for. What is stored may be more: tools of another version that still is connected. So
   * either a connected process registered under that hash, or the stored tools are exactly those that have it.
   */
  async #namesOf(hash: string): Promise<ReadonlySet<string> | undefined> {
    const { store, processes } = this.#options
    const { projectId, id } = this.#toolkit
    const stored = await store.toolkits.find(projectId, id)
    // Another version registered since: what is stored has to be written again.
    if (stored?.hash !== hash) return undefined
    for (const peer of processes.peersOf(id)) if (peer.toolsHash === hash) return peer.tools
    const tools = await store.toolkits.tools(projectId, id)
    const description = { caption: stored.caption || undefined, instructions: stored.instructions ?? undefined }
    return (await toolkitHash({ ...description, tools })) === hash ? new Set(tools.map((tool) => tool.name)) : undefined
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

  #answer(requestId: string, answer: { rejected?: Rejected[]; resend?: boolean }): void {
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

/** One bad tool never refuses the others. */
function readTools(values: unknown[]): { accepted: ToolDescriptor[]; rejected: Rejected[] } {
  const accepted = new Map<string, ToolDescriptor>()
  const rejected: Rejected[] = []
  for (const value of values) {
    try {
      const tool = fromWireTool(value)
      if (accepted.has(tool.name)) {
        throw new AtpError('duplicate_tool', `Tool "${tool.name}" is in the registration twice`)
      }
      accepted.set(tool.name, tool)
    } catch (error) {
      if (!isAtpError(error)) throw error
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
