import { openaiChatFormat } from '@atp/core'
import type OpenAI from 'openai'
import { CallDeltas, repeatableCalls } from './call-deltas.ts'
import type { ChatModel, ModelSettings, TokenUsage } from './chat-model.ts'
import { openOpenai } from './openai-responses.ts'
import { cutOff } from './provider-failure.ts'

/** A model behind OpenAI's Chat Completions API, or any server that speaks it. */
export async function openChatCompletions(settings: ModelSettings): Promise<ChatModel> {
  const client = await openOpenai(settings)
  return {
    format: openaiChatFormat,
    async ask({ system, tools, messages, signal, onText }) {
      const conversation = [...(system === undefined ? [] : [{ role: 'system', content: system }]), ...messages]
      const stream = await client.chat.completions.create(
        {
          model: settings.model,
          messages: conversation as unknown as OpenAI.ChatCompletionMessageParam[],
          stream: true,
          stream_options: { include_usage: true },
          ...(tools.length === 0 ? {} : { tools: tools as unknown as OpenAI.ChatCompletionTool[] }),
          ...(settings.maxTokens === undefined ? {} : { max_completion_tokens: settings.maxTokens }),
        },
        { signal },
      )
      let text = ''
      let finish: string | null = null
      let usage: TokenUsage | undefined
      const deltas = new CallDeltas()
      for await (const chunk of stream) {
        if (chunk.usage) {
          usage = { inputTokens: chunk.usage.prompt_tokens, outputTokens: chunk.usage.completion_tokens }
        }
        const choice = chunk.choices[0]
        if (!choice) continue
        const piece = (choice.delta.content ?? '') + (choice.delta.refusal ?? '')
        if (piece !== '') onText(piece)
        text += piece
        for (const delta of choice.delta.tool_calls ?? []) deltas.add(delta)
        finish = choice.finish_reason ?? finish
      }
      if (finish === null) throw cutOff()
      const calls = deltas.all()
      const message = {
        role: 'assistant',
        content: text === '' ? null : text,
        ...(calls.length === 0 ? {} : { tool_calls: repeatableCalls(calls) }),
      }
      return {
        messages: text === '' && calls.length === 0 ? [] : [message],
        calls: openaiChatFormat.parseToolCalls({ tool_calls: calls }),
        stop: finish === 'length' ? 'length' : finish === 'content_filter' ? 'filtered' : 'done',
        usage,
      }
    },
  }
}
