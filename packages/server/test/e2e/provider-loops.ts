import Anthropic from '@anthropic-ai/sdk'
import { toChatCompletionsTools } from '@atp/core'
import { Mistral } from '@mistralai/mistralai'
import type * as MistralTypes from '@mistralai/mistralai/models/components'
import OpenAI from 'openai'
import type { EndpointProvider } from './provider-endpoint.ts'

/** What stands between a provider's package and the tools: the two calls an agent makes. */
export interface ToolRunner {
  /** The tools in a provider's form, passed to its package as they are. */
  context(provider: string): Promise<{ tools: Record<string, unknown>[] }>
  /** Runs the calls in whatever the package returned; yields messages for the conversation. */
  run(provider: string, response: unknown): Promise<Record<string, unknown>[]>
}

/** One way to write an agent's two steps with an official package. */
export interface ProviderLoop {
  title: string
  endpoint: EndpointProvider
  /** Asks, runs the calls, asks again; returns the final text. */
  run(url: string, runner: ToolRunner): Promise<string>
}

const question = 'Add, greet and boil.'
const key = { apiKey: 'provider-key', maxRetries: 0 }

async function runResponses(
  url: string,
  runner: ToolRunner,
  pick: (response: OpenAI.Responses.Response) => unknown,
): Promise<string> {
  const client = new OpenAI({ ...key, baseURL: `${url}/v1` })
  const tools = (await runner.context('openai')).tools as unknown as OpenAI.Responses.Tool[]
  const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: question }]
  const first = await client.responses.create({ model: 'gpt-test', input, tools })
  input.push(...(first.output as OpenAI.Responses.ResponseInputItem[]))
  input.push(...((await runner.run('openai', pick(first))) as unknown as OpenAI.Responses.ResponseInputItem[]))
  return (await client.responses.create({ model: 'gpt-test', input, tools })).output_text
}

type ChatForm = { provider: string; toTools(tools: Record<string, unknown>[]): Record<string, unknown>[] }

async function runChat(
  url: string,
  runner: ToolRunner,
  form: ChatForm,
  pick: (completion: OpenAI.ChatCompletion) => unknown,
): Promise<string> {
  const client = new OpenAI({ ...key, baseURL: `${url}/v1` })
  const context = await runner.context(form.provider)
  const tools = form.toTools(context.tools) as unknown as OpenAI.ChatCompletionTool[]
  const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: question }]
  const first = await client.chat.completions.create({ model: 'gpt-test', messages, tools })
  if (first.choices[0]) messages.push(first.choices[0].message)
  messages.push(...((await runner.run(form.provider, pick(first))) as unknown as OpenAI.ChatCompletionMessageParam[]))
  const second = await client.chat.completions.create({ model: 'gpt-test', messages, tools })
  return second.choices[0]?.message.content ?? ''
}

async function runAnthropic(
  url: string,
  runner: ToolRunner,
  pick: (message: Anthropic.Message) => unknown,
): Promise<string> {
  const client = new Anthropic({ ...key, baseURL: url })
  const tools = (await runner.context('anthropic')).tools as unknown as Anthropic.Tool[]
  const messages: Anthropic.MessageParam[] = [{ role: 'user', content: question }]
  const first = await client.messages.create({ model: 'claude-test', max_tokens: 100, messages, tools })
  messages.push({ role: 'assistant', content: first.content })
  messages.push(...((await runner.run('anthropic', pick(first))) as unknown as Anthropic.MessageParam[]))
  const second = await client.messages.create({ model: 'claude-test', max_tokens: 100, messages, tools })
  return second.content.map((block) => (block.type === 'text' ? block.text : '')).join('')
}

async function runMistral(
  url: string,
  runner: ToolRunner,
  pick: (response: MistralTypes.ChatCompletionResponse) => unknown,
): Promise<string> {
  const client = new Mistral({ apiKey: key.apiKey, serverURL: url, retryConfig: { strategy: 'none' } })
  const tools = (await runner.context('mistralai')).tools as unknown as NonNullable<
    MistralTypes.ChatCompletionRequest['tools']
  >
  const messages: MistralTypes.ChatCompletionRequestMessage[] = [{ role: 'user', content: question }]
  const first = await client.chat.complete({ model: 'mistral-test', messages, tools })
  if (first.choices[0]?.message) messages.push({ ...first.choices[0].message, role: 'assistant' })
  messages.push(
    ...((await runner.run('mistralai', pick(first))) as unknown as MistralTypes.ChatCompletionRequestMessage[]),
  )
  const second = await client.chat.complete({ model: 'mistral-test', messages, tools })
  const content = second.choices[0]?.message?.content
  return typeof content === 'string' ? content : ''
}

/** Mistral's API without its package: what is posted must be what the API reads, to the member. */
async function runMistralRaw(url: string, runner: ToolRunner): Promise<string> {
  const { tools } = await runner.context('mistralai')
  const messages: unknown[] = [{ role: 'user', content: question }]
  const ask = async (): Promise<{ content: string; tool_calls?: unknown[] }> => {
    const headers = { authorization: `Bearer ${key.apiKey}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ model: 'mistral-test', messages, tools })
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body })
    if (!response.ok) throw new Error(await response.text())
    const completion = (await response.json()) as { choices: { message: { content: string } }[] }
    return completion.choices[0]?.message ?? { content: '' }
  }
  const first = await ask()
  messages.push(first, ...(await runner.run('mistralai', first.tool_calls)))
  return (await ask()).content
}

const nested: ChatForm = { provider: 'openai-chat', toTools: (tools) => tools }
const nestedAfterwards: ChatForm = { provider: 'openai', toTools: toChatCompletionsTools }

/** The loops of all providers, each with the forms of input that agents commonly hand over. */
export const providerLoops: readonly ProviderLoop[] = [
  {
    title: 'OpenAI Responses, whole response',
    endpoint: 'openai',
    run: (url, runner) => runResponses(url, runner, (response) => response),
  },
  {
    title: 'OpenAI Responses, output list',
    endpoint: 'openai',
    run: (url, runner) => runResponses(url, runner, (response) => response.output),
  },
  {
    title: 'OpenAI Chat Completions, whole completion',
    endpoint: 'openai-chat',
    run: (url, runner) => runChat(url, runner, nested, (completion) => completion),
  },
  {
    title: 'OpenAI Chat Completions with the nested tools of a Responses context, tool_calls',
    endpoint: 'openai-chat',
    run: (url, runner) =>
      runChat(url, runner, nestedAfterwards, (completion) => completion.choices[0]?.message.tool_calls),
  },
  {
    title: 'Anthropic, whole Message',
    endpoint: 'anthropic',
    run: (url, runner) => runAnthropic(url, runner, (message) => message),
  },
  {
    title: 'Anthropic, content',
    endpoint: 'anthropic',
    run: (url, runner) => runAnthropic(url, runner, (message) => message.content),
  },
  {
    title: 'Mistral, whole response',
    endpoint: 'mistralai',
    run: (url, runner) => runMistral(url, runner, (response) => response),
  },
  {
    title: 'Mistral, toolCalls',
    endpoint: 'mistralai',
    run: (url, runner) => runMistral(url, runner, (response) => response.choices[0]?.message?.toolCalls),
  },
  { title: 'Mistral without its package, tool_calls', endpoint: 'mistralai', run: runMistralRaw },
]
