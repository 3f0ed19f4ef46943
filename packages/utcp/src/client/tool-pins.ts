import { sha256Hex, stableJson } from '@atp/core/protocol'
import type { Tool } from '../model/models.ts'

/** A tool that is not what it was. */
export interface ChangedTool {
  readonly tool: Tool
  readonly fingerprint: string
}

/**
 * Remembers what tools were like: a tool whose description, schemas or template changed after somebody looked at it may
 * do something else than was agreed to ("rug pull").
 */
export class ToolPins {
  readonly #pins: Map<string, string>
  /** Seen changed and not accepted. */
  readonly #changed = new Map<string, ChangedTool>()

  constructor(pins: Readonly<Record<string, string>>) {
    this.#pins = new Map(Object.entries(pins))
  }

  /** All pins, to be kept and given to the next client. */
  all(): Record<string, string> {
    return Object.fromEntries([...this.#pins].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  changed(toolName: string): ChangedTool | undefined {
    return this.#changed.get(toolName)
  }

  changedNames(): readonly string[] {
    return [...this.#changed.keys()]
  }

  /** Returns the tools of a manual that are as they were, or new; new ones are pinned. Remembers the others. */
  async admit(manualName: string, tools: readonly Tool[]): Promise<readonly Tool[]> {
    const fingerprints = await Promise.all(tools.map(fingerprintOf))
    this.forgetChanged(manualName)
    return tools.filter((tool, index) => {
      const fingerprint = fingerprints[index] ?? ''
      const pin = this.#pins.get(tool.name)
      if (pin === undefined) this.#pins.set(tool.name, fingerprint)
      else if (pin !== fingerprint) {
        this.#changed.set(tool.name, { tool, fingerprint })
        return false
      }
      return true
    })
  }

  /** Takes a changed tool as it is now. Returns it, or undefined when none of that name had changed. */
  accept(toolName: string): Tool | undefined {
    const changed = this.#changed.get(toolName)
    if (changed === undefined) return undefined
    this.#pins.set(toolName, changed.fingerprint)
    this.#changed.delete(toolName)
    return changed.tool
  }

  /** The pins stay: a manual that comes back changed is still another one. */
  forgetChanged(manualName: string): void {
    for (const name of this.#changed.keys()) if (name.startsWith(`${manualName}.`)) this.#changed.delete(name)
  }
}

/** Over all members of a tool, whatever their order. */
function fingerprintOf(tool: Tool): Promise<string> {
  return sha256Hex(stableJson(tool))
}
