import type { ProviderName } from '@atp/core'

/** The type tells when a format is missing here. */
const all: Record<ProviderName, true> = {
  openai: true,
  'openai-chat': true,
  'openai-strict': true,
  'openai-chat-strict': true,
  anthropic: true,
  mistralai: true,
}

/** Every provider format that a command may be asked for. */
export const providerNames: readonly ProviderName[] = Object.keys(all) as ProviderName[]
