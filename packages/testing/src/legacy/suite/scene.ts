import { randomUUID } from 'node:crypto'
import { socketBase } from '../http.ts'
import { LegacyLlm, type LegacyLlmOptions } from '../llm/legacy-llm.ts'
import { toolkitSocketPath } from '../sdk-version.ts'
import type { LegacyTool } from '../toolkit/legacy-tool.ts'
import { LegacyToolkit, type LegacyToolkitOptions } from '../toolkit/legacy-toolkit.ts'
import { openWireSocket, type WireSocket, type WireSocketOptions } from '../wire-socket.ts'
import type { LegacyHub } from './legacy-hub.ts'

/** Options of a toolkit of a scene, which has a key and a name of its own unless told otherwise. */
export type SceneToolkitOptions = Partial<Omit<LegacyToolkitOptions, 'tools'>>

/** What one test has: a hub, and peers that are disposed with the test, which throws what they could not bear. */
export class Scene implements AsyncDisposable {
  hub: LegacyHub
  readonly #peers: AsyncDisposable[] = []

  constructor(hub: LegacyHub) {
    this.hub = hub
  }

  /** A name that no other test uses. */
  newName(): string {
    return `legacy-${randomUUID()}`
  }

  /** A toolkit that has done nothing yet. */
  async toolkit(tools: readonly LegacyTool[], options: SceneToolkitOptions = {}): Promise<LegacyToolkit> {
    const appName = options.appName ?? this.newName()
    const apiKey = options.apiKey ?? (await this.hub.createToolkitKey(appName))
    return this.#own(new LegacyToolkit({ baseUrl: this.hub.baseUrl, tools, ...options, appName, apiKey }))
  }

  /** A toolkit that is registered and has connected. */
  async serve(tools: readonly LegacyTool[], options: SceneToolkitOptions = {}): Promise<LegacyToolkit> {
    const toolkit = await this.toolkit(tools, options)
    await toolkit.start()
    return toolkit
  }

  /** A toolkit that is registered and offline. */
  async register(tools: readonly LegacyTool[], options: SceneToolkitOptions = {}): Promise<LegacyToolkit> {
    const toolkit = await this.toolkit(tools, options)
    await toolkit.register()
    await toolkit.registration.confirm()
    return toolkit
  }

  /** An LLM client with a key of its own. */
  async llm(options: Partial<LegacyLlmOptions> = {}): Promise<LegacyLlm> {
    const apiKey = options.apiKey ?? (await this.hub.createLlmKey())
    return this.#own(new LegacyLlm({ baseUrl: this.hub.baseUrl, ...options, apiKey }))
  }

  /** A bare socket on a path of the hub. */
  async socket(path: string, options: WireSocketOptions = {}): Promise<WireSocket> {
    return this.#own(await openWireSocket(socketBase(this.hub.baseUrl) + path, options))
  }

  /** A bare socket of a toolkit that was greeted. */
  async toolkitSocket(key: string, options: WireSocketOptions = {}): Promise<WireSocket> {
    const socket = await this.socket(toolkitSocketPath('0.2.5', key), options)
    await socket.next((frame) => frame.message_type === 'atp_client_connected')
    return socket
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ends = await Promise.allSettled(this.#peers.splice(0).map((peer) => peer[Symbol.asyncDispose]()))
    const failed = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as Error] : []))
    if (failed[0]) throw failed[0]
  }

  #own<Peer extends AsyncDisposable>(peer: Peer): Peer {
    this.#peers.push(peer)
    return peer
  }
}
