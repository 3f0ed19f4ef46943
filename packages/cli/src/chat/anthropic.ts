import type Anthropic from '@anthropic-ai/sdk'
import { anthropicFormat } from '@atp/core'
import type { ChatModel, ModelSettings, ModelTurn } from './chat-model.ts'
import { cutOff } from './provider-failure.ts'

/** This API wants a limit with every request. Every model of the day takes this one, and it has room for thinking. */
const defaultMaxTokens = 16_384

/** A model behind Anthropic's Messages API. */
export async function openAnthropic(settings: ModelSettings): Promise<ChatModel> {
  const { default: Anthropic } = await import('@anthropic-ai/sdk')
  const client = new Anthropic({
    apiKey: settings.apiKey,
    authToken: null,
    baseURL: settings.baseUrl,
    // Its logs go to stdout, where the answer goes.
    logLevel: 'off',
    // A key is for the server the user named, not for one that it points to.
    fetchOptions: { redirect: 'error' },
  })
  return {
    format: anthropicFormat,
    async ask({ system, tools, messages, signal, onText }) {
      const stream = await client.messages.create(
        {
          model: settings.model,
          max_tokens: settings.maxTokens ?? defaultMaxTokens,
          messages: messages as unknown as Anthropic.MessageParam[],
          stream: true,
          ...(system === undefined ? {} : { system }),
          ...(tools.length === 0 ? {} : { tools: tools as unknown as Anthropic.Tool[] }),
        },
        { signal },
      )
      const blocks = new Blocks(onText)
      let usage = { inputTokens: 0, outputTokens: 0 }
      let stop: Anthropic.StopReason | null = null
      let ended = false
      for await (const event of stream) {
        if (event.type === 'message_start') usage.inputTokens = inputTokens(event.message.usage)
        else if (event.type === 'message_stop') ended = true
        else if (event.type === 'message_delta') {
          usage = { ...usage, outputTokens: event.usage.output_tokens }
          stop = event.delta.stop_reason ?? stop
        } else blocks.add(event)
      }
      if (!ended) throw cutOff()
      return { ...blocks.finish(), stop: toStop(stop), usage }
    },
  }
}

type BlockEvent = Extract<Anthropic.RawMessageStreamEvent, { type: `content_block_${string}` }>
type Block = { type: 'open'; block: Anthropic.ContentBlock; json: string }

/** The content of a message, put together by hand: the package's own way gives up a whole message for one bad call. */
class Blocks {
  readonly #blocks = new Map<number, Block>()
  readonly #onText: (text: string) => void

  constructor(onText: (text: string) => void) {
    this.#onText = onText
  }

  add(event: BlockEvent): void {
    if (event.type === 'content_block_start') {
      const block = { ...event.content_block }
      this.#blocks.set(event.index, { type: 'open', block, json: '' })
      if (block.type === 'text' && block.text !== '') this.#onText(block.text)
      return
    }
    const open = this.#blocks.get(event.index)
    if (event.type === 'content_block_stop' || open === undefined) return
    const { delta } = event
    const { block } = open
    if (delta.type === 'input_json_delta') open.json += delta.partial_json
    else if (delta.type === 'text_delta' && block.type === 'text') {
      block.text += delta.text
      this.#onText(delta.text)
    } else if (delta.type === 'thinking_delta' && block.type === 'thinking') block.thinking += delta.thinking
    else if (delta.type === 'signature_delta' && block.type === 'thinking') block.signature = delta.signature
  }

  /** Calls keep the arguments as text, so that what is no JSON is told to the model; the conversation takes objects. */
  finish(): Pick<ModelTurn, 'messages' | 'calls'> {
    const blocks = [...this.#blocks.values()]
    const calls = blocks.flatMap(({ block, json }) => {
      return block.type === 'tool_use'
        ? [{ type: 'tool_use', id: block.id, name: block.name, input: json || block.input }]
        : []
    })
    const content = blocks.flatMap(({ block, json }): Record<string, unknown>[] => {
      // The API refuses empty texts in what it is sent.
      if (block.type === 'text') return block.text.trim() === '' ? [] : [{ type: 'text', text: block.text }]
      if (block.type !== 'tool_use') return [{ ...block }]
      return [{ ...block, input: json ? readObject(json) : block.input }]
    })
    return {
      messages: content.length === 0 ? [] : [{ role: 'assistant', content }],
      calls: anthropicFormat.parseToolCalls(calls),
    }
  }
}

function readObject(json: string): unknown {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
  } catch {
    return {}
  }
}

function inputTokens(usage: Anthropic.Usage): number {
  return usage.input_tokens + (usage.cache_creation_input_tokens ?? 0) + (usage.cache_read_input_tokens ?? 0)
}

function toStop(reason: Anthropic.StopReason | null): ModelTurn['stop'] {
  if (reason === 'refusal') return 'filtered'
  return reason === 'max_tokens' || reason === 'model_context_window_exceeded' ? 'length' : 'done'
}
