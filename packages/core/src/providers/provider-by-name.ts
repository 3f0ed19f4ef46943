import { AtpError } from '../errors/atp-error.ts'
import { anthropicFormat } from './anthropic.ts'
import { mistralFormat } from './mistral.ts'
import { openaiChatFormat, openaiChatStrictFormat, openaiFormat, openaiStrictFormat } from './openai.ts'
import type { ProviderFormat } from './provider-format.ts'

const formats: ReadonlyMap<string, ProviderFormat> = new Map<string, ProviderFormat>([
  ['openai', openaiFormat],
  ['openai-chat', openaiChatFormat],
  ['openai-strict', openaiStrictFormat],
  ['openai-chat-strict', openaiChatStrictFormat],
  ['anthropic', anthropicFormat],
  ['mistralai', mistralFormat],
  ['mistral', mistralFormat],
])

/**
 * The format behind a provider's name, in any case; `mistral` is `mistralai`.
 * @throws AtpError `unknown_provider`
 */
export function providerFormat(name: string): ProviderFormat {
  // Callers in plain JavaScript, and frames of older clients, may hold anything here.
  const format = formats.get(String(name).toLowerCase())
  if (format !== undefined) return format
  const known = [...new Set([...formats.values()].map((each) => each.name))].join(', ')
  throw new AtpError('unknown_provider', `Provider "${String(name).slice(0, 80)}" is unknown; use one of ${known}`)
}
