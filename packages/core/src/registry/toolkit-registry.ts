import { AtpError } from '../errors/atp-error.ts'
import { checkAppName } from '../protocol/names.ts'
import type { Toolkit } from './toolkit.ts'

/** Toolkits by name, for the routes of one app. There is no process-wide registry: make one where you need it. */
export interface ToolkitRegistry extends Iterable<[string, Toolkit]> {
  /** Adds a toolkit under a name. @throws AtpError `invalid_name`, or `toolkit_name_conflict` when another one has it */
  registerClient(name: string, client: Toolkit): void
  /** The toolkit of that name, or undefined. */
  getClient(name: string): Toolkit | undefined
}

/** Makes an empty registry. */
export function createRegistry(): ToolkitRegistry {
  const toolkits = new Map<string, Toolkit>()
  return {
    registerClient(name, client) {
      checkAppName(name)
      const known = toolkits.get(name)
      if (known !== undefined && known !== client) {
        throw new AtpError('toolkit_name_conflict', `Another toolkit is registered under "${name}" already`)
      }
      toolkits.set(name, client)
    },
    getClient: (name) => toolkits.get(name),
    [Symbol.iterator]: () => toolkits.entries(),
  }
}
