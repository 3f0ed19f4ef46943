import { isAtpError, type Toolkit } from '@atp/core'
import { stableJson } from '@atp/core/protocol'
import type { UtcpClient } from '../client/utcp-client.ts'
import { messageOf } from '../errors/to-utcp-error.ts'
import { UtcpError } from '../errors/utcp-error.ts'
import { compileForeignSchema } from '../execution/foreign-schema.ts'
import type { Tool } from '../model/models.ts'
import { type ObjectSchema, toDefinition, toInputSchema, toParams, toPlainInputSchema } from './tool-definition.ts'
import { isStreaming, toHandler } from './tool-handler.ts'
import { toAtpToolName } from './tool-name.ts'

/** How a manual's tools become a toolkit's. */
export interface ManualBridgeOptions {
  /**
   * The time limit of each tool and of the call behind it, in milliseconds, at most 600,000.
   * @default the run path's and the client's own; the shorter one ends a call
   */
  readonly timeoutMs?: number
}

/** A tool that a toolkit cannot have. */
export interface LeftOutTool {
  /** `manual.tool` */
  readonly tool: string
  readonly reason: string
}

/** Keeps the tools of a toolkit as a manual has them. Other tools of that toolkit are left alone. */
export class ManualBridge<T extends Toolkit = Toolkit> {
  readonly toolkit: T
  readonly manualName: string
  readonly #client: UtcpClient
  readonly #options: ManualBridgeOptions
  /** By their names in the toolkit. */
  readonly #bridged = new Map<string, { source: Tool; text: string; tool: object }>()
  readonly #endFollowing: () => void
  #leftOut: readonly LeftOutTool[] = []
  #syncing: Promise<void> = Promise.resolve()
  #stopped = false

  private constructor(client: UtcpClient, manualName: string, toolkit: T, options: ManualBridgeOptions) {
    this.toolkit = toolkit
    this.manualName = manualName
    this.#client = client
    this.#options = options
    this.#endFollowing = client.on('manualChanged', ({ manual }) => {
      if (manual === manualName) this.#follow()
    })
  }

  /**
   * Adds a manual's tools to a toolkit, such as a `ToolKitClient`, and follows what becomes of the manual.
   * @throws UtcpError `manual_not_found`
   */
  static async open<T extends Toolkit>(
    client: UtcpClient,
    manualName: string,
    toolkit: T,
    options: ManualBridgeOptions = {},
  ): Promise<ManualBridge<T>> {
    if ((await client.repository.getManual(manualName)) === undefined) {
      throw new UtcpError('manual_not_found', `There is no manual "${manualName}": register it first`)
    }
    const bridge = new ManualBridge(client, manualName, toolkit, options)
    await bridge.sync()
    return bridge
  }

  /** The tools that the toolkit could not take, and why. */
  get leftOut(): readonly LeftOutTool[] {
    return this.#leftOut
  }

  /** The full name in UTCP of one of the bridge's tools, by its name in the toolkit. */
  utcpNameOf(toolName: string): string | undefined {
    return this.#bridged.get(toolName)?.source.name
  }

  /**
   * Takes over what the client knows of the manual now. What the client changes does this by itself; call it after
   * changing the repository by other means, or to wait until everything is taken over.
   */
  sync(): Promise<void> {
    const synced = this.#syncing.then(() => this.#sync())
    this.#syncing = synced.catch(() => {})
    return synced
  }

  /** Follows no longer. The tools stay as they are. */
  stop(): void {
    this.#stopped = true
    this.#endFollowing()
  }

  #follow(): void {
    if (this.#stopped) return
    this.sync().catch((error: unknown) => {
      this.toolkit.settings.logger.warn('utcp.bridge_failed', { manual: this.manualName, reason: messageOf(error) })
    })
  }

  async #sync(): Promise<void> {
    const sources = (await this.#client.repository.getToolsByManual(this.manualName)) ?? []
    const wanted = new Map<string, Tool>()
    const leftOut: LeftOutTool[] = []
    for (const source of sources) {
      const name = await toAtpToolName(source.name.slice(this.manualName.length + 1))
      const other = wanted.get(name)
      if (other === undefined) wanted.set(name, source)
      else leftOut.push({ tool: source.name, reason: `"${other.name}" has the name "${name}" already` })
    }
    for (const name of [...this.#bridged.keys()]) if (!wanted.has(name)) this.#remove(name)
    for (const [name, source] of wanted) {
      try {
        await this.#put(name, source)
      } catch (error) {
        leftOut.push({ tool: source.name, reason: messageOf(error) })
      }
    }
    this.#report(leftOut)
  }

  async #put(name: string, source: Tool): Promise<void> {
    const text = stableJson(source)
    if (this.#bridged.get(name)?.text === text) return
    const params = await usableParams(source)
    this.#remove(name)
    this.#bridged.set(name, { source, text, tool: this.#register(name, source, params) })
  }

  /** @throws AtpError */
  #register(name: string, source: Tool, params: ObjectSchema | undefined): object {
    const { toolkit } = this
    const { timeoutMs } = this.#options
    const definition = toDefinition(source, { name, timeoutMs, describesResult: !isStreaming(source) })
    const handler = toHandler(source, {
      ...{ client: this.#client, timeoutMs, exposeErrors: toolkit.settings.exposeErrors },
      onGone: () => this.#follow(),
    })
    try {
      if (params !== undefined) return toolkit.registerTool({ ...definition, params }, handler)
    } catch (error) {
      if (!isUnusable(error)) throw error
    }
    // A stranger's schema that cannot be used is no reason to do without the tool: its own server checks as well.
    const { output: _, ...rest } = definition
    return toolkit.registerTool({ ...rest, params: toPlainInputSchema(source) }, handler)
  }

  #remove(name: string): void {
    const bridged = this.#bridged.get(name)
    if (bridged === undefined) return
    this.#bridged.delete(name)
    // Somebody may have put another tool in its place.
    if (this.toolkit.registeredTools.get(name) === bridged.tool) this.toolkit.removeTool(name)
  }

  #report(leftOut: readonly LeftOutTool[]): void {
    this.#leftOut = leftOut
    for (const { tool, reason } of leftOut.slice(0, 5)) {
      this.toolkit.settings.logger.warn('utcp.tool_left_out', { manual: this.manualName, tool, reason })
    }
  }
}

/** Checks as the client does: on an engine that does not backtrack. Undefined for a schema that cannot be used. */
async function usableParams(source: Tool): Promise<ObjectSchema | undefined> {
  try {
    return toParams(await compileForeignSchema(toInputSchema(source), `Tool "${source.name}": inputs`))
  } catch (error) {
    if (!isUnusable(error)) throw error
    return undefined
  }
}

function isUnusable(error: unknown): boolean {
  return isAtpError(error) && error.code === 'invalid_schema'
}
