import { isAtpError, type LLMClient, type ParsedToolCall, type ProviderName } from '@atp/core'
import { unreachable } from '../unreachable.ts'
import { fromOne, fromSeveral, type MergedContext, type RoutedTool } from './merge-contexts.ts'

/** The toolkits of a chat, behind one server. */
export interface Toolbox {
  /**
   * The tools as they are now: toolkits come and go while people chat.
   * @throws AtpError `toolkit_not_found`, `unauthorized`, `connection_failed`, …
   */
  load(signal: AbortSignal): Promise<MergedContext>
  /** Runs a call, and cancels it where it runs when `signal` aborts. @throws AtpError what the call failed with */
  run(tool: RoutedTool, call: ParsedToolCall, signal: AbortSignal): Promise<unknown>
}

/** What a toolbox is made of. */
export interface ToolboxOptions {
  client: LLMClient
  provider: ProviderName
  /** Ids or names. */
  toolkits: readonly string[]
  /** The end user's token, for tools that declare auth. */
  authToken: string | undefined
}

/** Makes a toolbox; nothing is asked of the server before `load`. */
export function createToolbox({ client, provider, toolkits, authToken }: ToolboxOptions): Toolbox {
  return {
    async load(signal) {
      const [toolkitId] = toolkits
      if (toolkits.length === 1 && toolkitId !== undefined) {
        return fromOne(await reach(client.getToolkitContext({ toolkitId, provider, signal })))
      }
      return fromSeveral(await reach(client.getToolkitContext({ toolkits, provider, signal })))
    },
    run({ toolkitId, tool }, { args = {} }, signal) {
      const token = authToken ? { authToken } : {}
      return reach(client.call({ toolkitId, tool, params: args, provider, signal, ...token }))
    },
  }
}

/** Here, because a provider that is not there fails with the same code, and other advice. */
async function reach<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw isAtpError(error) && error.code === 'connection_failed' ? unreachable(error.message, error) : error
  }
}
