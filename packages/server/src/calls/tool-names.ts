import type { ToolDescriptor } from '@atp/core'
import { type FormattedTools, providerFormat } from '@atp/core/protocol'
import type { DirectoryEntry } from './toolkit-directory.ts'

/** A toolkit's tools in providers' formats, kept as long as the directory keeps the toolkit. */
export class ToolNames {
  readonly #formatted = new WeakMap<DirectoryEntry, Map<string, FormattedTools>>()

  /** The tools as a provider's model is told of them. @throws AtpError `unknown_provider` */
  format(entry: DirectoryEntry, provider: string): FormattedTools {
    const format = providerFormat(provider)
    const known = this.#formatted.get(entry) ?? new Map<string, FormattedTools>()
    this.#formatted.set(entry, known)
    const formatted = known.get(format.name) ?? format.toTools([...entry.tools.values()])
    known.set(format.name, formatted)
    return formatted
  }

  /** The tool of a name, also where the provider's model was told a shortened one. */
  find(entry: DirectoryEntry, name: string, provider: string | undefined): ToolDescriptor | undefined {
    const tool = entry.tools.get(name)
    if (tool || provider === undefined) return tool
    const original = this.format(entry, provider).originalNames.get(name)
    return original === undefined ? undefined : entry.tools.get(original)
  }
}
