import { isJsonObject } from '../../protocol/json.ts'
import { toChatCompletionsTools } from '../../providers/openai.ts'

/** The provider that a founding server is asked for: it knows one form of OpenAI's only, that of Responses. */
export function foundingProvider(provider: string | undefined): string | undefined {
  return provider?.startsWith('openai') ? 'openai' : provider
}

/**
 * Completes what founding servers leave out: tools of Responses without `strict`, which that API then takes for strict
 * and refuses, and the nesting of Chat Completions. Tools of servers of ours come back as they are.
 */
export function inProvidersForm(tools: Record<string, unknown>[], provider: string): Record<string, unknown>[] {
  if (provider === 'openai-chat' || provider === 'openai-chat-strict') return toChatCompletionsTools(tools)
  if (provider !== 'openai' && provider !== 'openai-strict') return tools
  return tools.map((tool) => (isFlatFunction(tool) ? { ...tool, strict: tool.strict ?? false } : tool))
}

function isFlatFunction(tool: Record<string, unknown>): boolean {
  return tool.type === 'function' && !isJsonObject(tool.function)
}
