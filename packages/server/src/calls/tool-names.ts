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

  /**
   * A call's arguments in the form of the tool's own schema, see `FormattedTools.readArguments`. Older clients do not
   * name the provider of their context, and others use the tool's own form: what formats without strict mode change
   * tells itself apart from that, and Anthropic's changes are those of all of them.
   * @throws AtpError `invalid_params` or `unknown_provider`
   */
  readArguments(
    entry: DirectoryEntry,
    name: string,
    params: Record<string, unknown>,
    provider: string | undefined,
  ): Record<string, unknown> {
    const format = provider === undefined ? undefined : providerFormat(provider)
    return this.format(entry, format?.strict ? format.name : 'anthropic').readArguments(name, params)
  }

  /** The tool of a name, also where the provider's model was told a shortened one. */
  find(entry: DirectoryEntry, name: string, provider: string | undefined): ToolDescriptor | undefined {
    const tool = entry.tools.get(name)
    if (tool || provider === undefined) return tool
    const original = this.format(entry, provider).originalNames.get(name)
    return original === undefined ? undefined : entry.tools.get(original)
  }
}
