import type { Logger } from '@atp/core'
import { closeCodes } from '@atp/core/protocol'
import type { MessageBus } from '../bus/message-bus.ts'
import type { SocketDelivery } from '../delivery/socket.ts'
import type { PeerSocket } from '../gateway/peer-socket.ts'
import type { Store, StoredKey } from '../store/store.ts'
import { LegacyPeer } from './legacy-peer.ts'

/** What {@link LegacyProcesses} needs. */
export interface LegacyProcessesOptions {
  store: Pick<Store, 'keys' | 'legacy'>
  bus: MessageBus
  delivery: SocketDelivery
  /** Calls that may wait for one process. */
  maxCallsPerProcess: number
  logger: Logger
}

/** A connected process: without a peer while its key stands for no toolkit. */
export interface LegacyProcess {
  readonly socket: PeerSocket
  readonly key: StoredKey
  peer: LegacyPeer | undefined
}

/**
 * The connected processes of Python toolkits. A socket says nothing of its tools: each process of a toolkit serves all
 * that Python toolkits registered under that toolkit.
 */
export class LegacyProcesses {
  readonly #options: LegacyProcessesOptions
  /** Processes whose key stands for no toolkit yet, by key. */
  readonly #unbound = new Map<string, Set<LegacyProcess>>()

  private constructor(options: LegacyProcessesOptions) {
    this.#options = options
  }

  /** Learns of changes from the bus. */
  static async create(options: LegacyProcessesOptions): Promise<LegacyProcesses> {
    const processes = new LegacyProcesses(options)
    await options.bus.subscribe('toolkit.changed', ({ toolkitId }) => processes.#reload(toolkitId))
    return processes
  }

  /** A process connected. It is greeted once it can get calls, or at once while its key stands for no toolkit. */
  async join(socket: PeerSocket, key: StoredKey, greet: () => void): Promise<LegacyProcess> {
    const joined: LegacyProcess = { socket, key, peer: undefined }
    if (key.toolkitId !== null) {
      await this.#enter(joined, key.toolkitId)
      greet()
      joined.peer?.welcomed()
      return joined
    }
    greet()
    const unbound = this.#unbound.get(key.id) ?? new Set()
    this.#unbound.set(key.id, unbound.add(joined))
    socket.onClose(() => {
      unbound.delete(joined)
      if (unbound.size === 0 && this.#unbound.get(key.id) === unbound) this.#unbound.delete(key.id)
    })
    // It may have been bound since the key was read.
    const now = await this.#options.store.keys.find(key.projectId, key.id)
    if (now?.toolkitId) await this.bound(key, { id: now.toolkitId })
    return joined
  }

  /** A key stands for a toolkit from now on. */
  async bound(key: StoredKey, toolkit: { id: string }): Promise<void> {
    const processes = this.#unbound.get(key.id)
    if (!processes) return
    this.#unbound.delete(key.id)
    for (const waiting of processes) {
      try {
        await this.#enter(waiting, toolkit.id)
        waiting.peer?.welcomed()
      } catch (error) {
        // It connects again, and then its key stands for something.
        this.#options.logger.warn('toolkit.not_served', { toolkitId: toolkit.id, error: String(error) })
        waiting.socket.close(closeCodes.tryAgainLater, 'its tools could not be read; connect again')
      }
    }
  }

  /** A tool was registered under a toolkit. */
  registered(toolkitId: string, tool: string): void {
    for (const peer of this.#peersOf(toolkitId)) peer.addTools([tool])
  }

  async #enter(entering: LegacyProcess, toolkitId: string): Promise<void> {
    const { store, delivery, maxCallsPerProcess, logger } = this.#options
    const { socket, key } = entering
    if (!socket.open || entering.peer) return
    const { id: keyId, projectId } = key
    const onUnanswered = (requestId: string): void =>
      delivery.onResult(peer, { type: 'result', requestId, ok: true, result: null })
    const peer: LegacyPeer = new LegacyPeer({
      socket,
      toolkitId,
      projectId,
      keyId,
      maxCalls: maxCallsPerProcess,
      onUnanswered,
    })
    const older = this.#peersOf(toolkitId)
    entering.peer = peer
    socket.onPong = (data) => peer.onPong(data)
    delivery.add(peer)
    socket.onClose(() => {
      peer.close()
      delivery.remove(peer)
      logger.info('toolkit.disconnected', { toolkitId, wire: 'legacy' })
    })
    const tools = await store.legacy.codeHashes(key.projectId, toolkitId)
    peer.addTools(tools.keys())
    // Not before this one can take their place: else nobody would serve the toolkit while its tools are read.
    for (const each of older) {
      each.leaveLateTools()
      // A connection that was cut without a word looks open for a while; its process is probably this one.
      if (each.keyId === keyId) each.doubt()
    }
    logger.info('toolkit.connected', { toolkitId, wire: 'legacy' })
  }

  /** Another server may have registered a tool. */
  #reload(toolkitId: string): void {
    const { store, logger } = this.#options
    const peers = this.#peersOf(toolkitId)
    const projectId = peers[0]?.projectId
    if (projectId === undefined) return
    store.legacy.codeHashes(projectId, toolkitId).then(
      (tools) => {
        for (const peer of this.#peersOf(toolkitId)) peer.addTools(tools.keys())
      },
      (error: unknown) => logger.warn('toolkit.tools_not_read', { toolkitId, error: String(error) }),
    )
  }

  #peersOf(toolkitId: string): LegacyPeer[] {
    return [...this.#options.delivery.peersOf(toolkitId)].filter((peer) => peer instanceof LegacyPeer)
  }
}
