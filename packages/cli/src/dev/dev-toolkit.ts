import { type Tool, ToolKitClient, type ToolKitClientOptions } from '@atp/core'
import { fromWireTool, stableJson, type WireTool } from '@atp/core/protocol'
import { metaKeeper } from './call-meta.ts'
import type { AnnouncedToolkit } from './messages.ts'
import { type ProxyHost, proxyTool } from './proxy-tool.ts'

/** What a reload changed of a toolkit, by names of tools. */
export interface ToolChanges {
  toolkit: string
  added: string[]
  /** Described otherwise; a tool that only does something else is the same to a server. */
  changed: string[]
  removed: string[]
  unchanged: string[]
  /** Whether the toolkit tells something else of itself: caption or instructions. */
  identity: boolean
}

/**
 * The toolkit that stays connected while its code comes and goes. Its tools are proxies; those whose description is the
 * same after a reload stay as they are, so that a server is told only of what changed.
 */
export class DevToolkit extends ToolKitClient {
  readonly #host: ProxyHost
  #wires: ReadonlyMap<string, string> = new Map()
  #proxies: ReadonlyMap<string, Tool> = new Map()

  /** @throws AtpError `invalid_name`, `invalid_config` */
  constructor(options: ToolKitClientOptions, host: ProxyHost) {
    super({ ...options, tracing: metaKeeper })
    this.#host = host
  }

  override get registeredTools(): ReadonlyMap<string, Tool> {
    return this.#proxies
  }

  /**
   * Takes the place of what was announced before; `whenRegistered` tells when the server knows.
   * @throws AtpError when a tool cannot be used; then nothing has changed
   */
  update({ caption, instructions, tools }: Pick<AnnouncedToolkit, 'caption' | 'instructions' | 'tools'>): ToolChanges {
    const next = new Map<string, Tool>()
    const wires = new Map<string, string>()
    for (const wire of tools) {
      const text = describe(wire)
      const known = this.#wires.get(wire.name) === text ? this.#proxies.get(wire.name) : undefined
      next.set(wire.name, known ?? proxyTool(this.appName, fromWireTool(wire), this.#host))
      wires.set(wire.name, text)
    }
    const names = [...next.keys()]
    const isKnown = (name: string): boolean => this.#proxies.has(name)
    const isSame = (name: string): boolean => this.#proxies.get(name) === next.get(name)
    const changes: ToolChanges = {
      toolkit: this.appName,
      added: names.filter((name) => !isKnown(name)),
      changed: names.filter((name) => isKnown(name) && !isSame(name)),
      removed: [...this.#proxies.keys()].filter((name) => !next.has(name)),
      unchanged: names.filter(isSame),
      identity: caption !== this.caption || instructions !== this.instructions,
    }
    this.#proxies = next
    this.#wires = wires
    // Each of these tells of a change, of the tools as well; both together are one registration.
    this.instructions = instructions
    this.caption = caption
    return changes
  }
}

/** The lists of names repeat the schema. */
function describe({ params: _, required_params: __, ...wire }: WireTool): string {
  return stableJson(wire)
}
