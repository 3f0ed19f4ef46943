import { mistralFormat } from '@atp/core'
import type * as MistralTypes from '@mistralai/mistralai/models/components'
import { CallDeltas, repeatableCalls } from './call-deltas.ts'
import type { ChatModel, ModelSettings, TokenUsage } from './chat-model.ts'
import { cutOff, failedMidway } from './provider-failure.ts'

type Messages = MistralTypes.ChatCompletionStreamRequest['messages']
type Tools = NonNullable<MistralTypes.ChatCompletionStreamRequest['tools']>

/** A model behind Mistral's chat API. */
export async function openMistral({ model, apiKey, baseUrl, maxTokens, debug }: ModelSettings): Promise<ChatModel> {
  const { Mistral } = await import('@mistralai/mistralai')
  const client = new Mistral({
    apiKey,
    serverURL: baseUrl,
    // Told to by the environment, the package would print all headers, the key among them.
    ...(debug ? { debugLogger: { group: () => {}, groupEnd: () => {}, log: () => {} } } : {}),
  })
  return {
    format: mistralFormat,
    async ask({ system, tools, messages, signal, onText }) {
      const conversation = [...(system === undefined ? [] : [{ role: 'system', content: system }]), ...messages]
      const stream = await client.chat.stream(
        {
          model,
          messages: conversation as unknown as Messages,
          ...(tools.length === 0 ? {} : { tools: tools as unknown as Tools }),
          ...(maxTokens === undefined ? {} : { maxTokens }),
        },
        // A key is for the server the user named, not for one that it points to.
        { signal, redirect: 'error' },
      )
      let text = ''
      let finish: string | null = null
      let usage: TokenUsage | undefined
      const deltas = new CallDeltas()
      for await (const { data } of stream) {
        if (data.usage) {
          usage = { inputTokens: data.usage.promptTokens ?? 0, outputTokens: data.usage.completionTokens ?? 0 }
        }
        const choice = data.choices[0]
        if (!choice) continue
        const piece = textOf(choice.delta.content)
        if (piece !== '') onText(piece)
        text += piece
        for (const delta of choice.delta.toolCalls ?? []) deltas.add(delta)
        finish = choice.finishReason ?? finish
      }
      if (finish === null) throw cutOff()
      if (finish === 'error') throw failedMidway(undefined)
      const calls = deltas.all()
      const message = {
        role: 'assistant',
        content: text,
        ...(calls.length === 0 ? {} : { toolCalls: repeatableCalls(calls) }),
      }
      return {
        messages: text === '' && calls.length === 0 ? [] : [message],
        // Under the package's own name, so that the results come in the form that the package reads.
        calls: mistralFormat.parseToolCalls({ toolCalls: calls }),
        stop: finish === 'length' || finish === 'model_length' ? 'length' : 'done',
        usage,
      }
    },
  }
}

/** What a model thinks comes in chunks of another type, and is not part of its answer. */
function textOf(content: MistralTypes.DeltaMessage['content']): string {
  if (typeof content === 'string') return content
  return (content ?? []).map((chunk) => (chunk.type === 'text' ? chunk.text : '')).join('')
}
