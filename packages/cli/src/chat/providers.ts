import { AtpError } from '@atp/core'
import { UsageError } from '../exit-errors.ts'
import type { ChatModel, ModelSettings } from './chat-model.ts'

/** What `--provider` takes. */
export type ChatProviderName = 'openai' | 'openai-chat' | 'anthropic' | 'mistral'

/** A provider as the command knows it before its package is loaded. */
export interface ChatProvider {
  /** For people. */
  title: string
  keyVariable: string
  baseUrlVariable: string
  defaultBaseUrl: string
  /** A model to name when none was given. */
  exampleModel: string
  /** Loads the provider's package: only this one, and only now. */
  open(settings: ModelSettings): Promise<ChatModel>
}

const openai = {
  title: 'OpenAI',
  keyVariable: 'OPENAI_API_KEY',
  baseUrlVariable: 'OPENAI_BASE_URL',
  defaultBaseUrl: 'https://api.openai.com/v1',
  exampleModel: 'gpt-5.4',
}

/** The providers by name. */
export const chatProviders: Readonly<Record<ChatProviderName, ChatProvider>> = {
  openai: {
    ...openai,
    open: async (settings) => (await import('./openai-responses.ts')).openResponses(settings),
  },
  'openai-chat': {
    ...openai,
    open: async (settings) => (await import('./openai-chat.ts')).openChatCompletions(settings),
  },
  anthropic: {
    title: 'Anthropic',
    keyVariable: 'ANTHROPIC_API_KEY',
    baseUrlVariable: 'ANTHROPIC_BASE_URL',
    defaultBaseUrl: 'https://api.anthropic.com',
    exampleModel: 'claude-sonnet-5',
    open: async (settings) => (await import('./anthropic.ts')).openAnthropic(settings),
  },
  mistral: {
    title: 'Mistral',
    keyVariable: 'MISTRAL_API_KEY',
    baseUrlVariable: 'MISTRAL_BASE_URL',
    defaultBaseUrl: 'https://api.mistral.ai',
    exampleModel: 'mistral-large-latest',
    open: async (settings) => (await import('./mistral.ts')).openMistral(settings),
  },
}

/**
 * Reads what a provider is opened with. A local model needs no key: with a base URL on this machine one is made up.
 * @throws UsageError without a model; AtpError `invalid_config` that names the variable
 */
export function readModelSettings(
  name: ChatProviderName,
  options: { model?: string | undefined; maxTokens?: number | undefined },
  env: Record<string, string | undefined>,
): ModelSettings {
  const { title, keyVariable, baseUrlVariable, defaultBaseUrl, exampleModel } = chatProviders[name]
  const model = options.model?.trim()
  if (!model) {
    throw new UsageError(
      `Name a model with --model, such as: --model ${exampleModel}. With a server of your own in ${baseUrlVariable}, ` +
        'the name that it knows the model by',
    )
  }
  const given = env[baseUrlVariable]?.trim()
  const baseUrl = given ? readBaseUrl(given, baseUrlVariable, name) : defaultBaseUrl
  const apiKey = env[keyVariable]?.trim() || (isLoopback(baseUrl) ? 'none' : undefined)
  if (apiKey === undefined) {
    throw new AtpError(
      'invalid_config',
      `No key for ${title}: set ${keyVariable}. A model on this machine needs none: set ${baseUrlVariable} to its ` +
        `address, such as ${exampleBaseUrl(name)}`,
    )
  }
  if (/[^\x21-\x7e]/.test(apiKey)) {
    throw new AtpError('invalid_config', `The key in ${keyVariable} holds spaces or line breaks; copy it again`)
  }
  return { model, apiKey, baseUrl, maxTokens: options.maxTokens, debug: Boolean(env.MISTRAL_DEBUG) }
}

/** The packages of Anthropic and Mistral add `/v1` themselves, and people copy addresses that have it. */
function readBaseUrl(text: string, variable: string, name: ChatProviderName): string {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    // Never the text itself: it may hold a password.
    throw new AtpError('invalid_config', `The address in ${variable} is none of the form ${exampleBaseUrl(name)}`)
  }
  const path = url.pathname.replace(/\/+$/, '')
  return url.origin + (addsVersion(name) ? path.replace(/\/v1$/, '') : path)
}

function addsVersion(name: ChatProviderName): boolean {
  return name === 'anthropic' || name === 'mistral'
}

function exampleBaseUrl(name: ChatProviderName): string {
  return addsVersion(name) ? 'http://127.0.0.1:8080' : 'http://127.0.0.1:8080/v1'
}

function isLoopback(baseUrl: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(baseUrl).hostname)
}
