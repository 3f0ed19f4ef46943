import { openaiFormat } from '@atp/core'
import type OpenAI from 'openai'
import type { ChatModel, ModelSettings, ModelTurn } from './chat-model.ts'
import { cutOff, failedMidway } from './provider-failure.ts'

type Response = OpenAI.Responses.Response

/** A model behind OpenAI's Responses API. */
export async function openResponses(settings: ModelSettings): Promise<ChatModel> {
  const client = await openOpenai(settings)
  return {
    format: openaiFormat,
    async ask({ system, tools, messages, signal, onText }) {
      const stream = await client.responses.create(
        {
          model: settings.model,
          input: messages as unknown as OpenAI.Responses.ResponseInput,
          stream: true,
          ...(system === undefined ? {} : { instructions: system }),
          ...(tools.length === 0 ? {} : { tools: tools as unknown as OpenAI.Responses.Tool[] }),
          ...(settings.maxTokens === undefined ? {} : { max_output_tokens: settings.maxTokens }),
        },
        { signal },
      )
      let response: Response | undefined
      const items: OpenAI.Responses.ResponseOutputItem[] = []
      for await (const event of stream) {
        if (event.type === 'response.output_text.delta' || event.type === 'response.refusal.delta') onText(event.delta)
        else if (event.type === 'response.output_item.done') items.push(event.item)
        else if (event.type === 'response.completed' || event.type === 'response.incomplete') response = event.response
        else if (event.type === 'response.failed') throw failedMidway(event.response.error?.message)
        else if (event.type === 'error') throw failedMidway(event.message)
      }
      if (response === undefined) throw cutOff()
      return toTurn(response, items)
    },
  }
}

/** The client of both of OpenAI's APIs; every default that it would take from the environment is given instead. */
export async function openOpenai({ apiKey, baseUrl }: ModelSettings): Promise<OpenAI> {
  const { default: OpenAI } = await import('openai')
  return new OpenAI({
    apiKey,
    baseURL: baseUrl,
    adminAPIKey: null,
    // Its logs go to stdout, where the answer goes.
    logLevel: 'off',
    // A key is for the server the user named, not for one that it points to.
    fetchOptions: { redirect: 'error' },
  })
}

/** Some compatible servers leave the output of the last event empty; the items came one by one before. */
function toTurn(response: Response, items: OpenAI.Responses.ResponseOutputItem[]): ModelTurn {
  const output = response.output.length > 0 ? response.output : items
  const reason = response.status === 'incomplete' ? response.incomplete_details?.reason : undefined
  const { usage } = response
  // Reasoning that nothing came of is refused in the next request.
  const answered = output.some(({ type }) => type !== 'reasoning')
  return {
    messages: answered ? output.map((item) => ({ ...item })) : [],
    calls: openaiFormat.parseToolCalls(output),
    stop: response.status !== 'incomplete' ? 'done' : reason === 'content_filter' ? 'filtered' : 'length',
    usage: usage ? { inputTokens: usage.input_tokens, outputTokens: usage.output_tokens } : undefined,
  }
}
