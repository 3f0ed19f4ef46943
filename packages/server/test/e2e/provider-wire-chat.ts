import type OpenAI from 'openai'
import * as z from 'zod'
import {
  argumentText,
  checkScript,
  finalText,
  type ProviderWire,
  randomId,
  readRequest,
  type ScriptedCall,
  schemaProblem,
  toolNamePattern,
  WireRefusal,
} from './provider-wire.ts'

const tool = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({
    name: z.string().regex(toolNamePattern),
    description: z.string().optional(),
    parameters: z.record(z.string(), z.unknown()),
    strict: z.boolean().nullish(),
  }),
})
const call = z.strictObject({
  id: z.string(),
  type: z.literal('function'),
  function: z.strictObject({ name: z.string(), arguments: z.string() }),
})
const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('user'), content: z.string() }),
  z.strictObject({ role: z.literal('system'), content: z.string() }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.string().nullish(),
    refusal: z.string().nullish(),
    // The API takes back its own message as it is, so also the members it only ever writes.
    annotations: z.array(z.unknown()).optional(),
    tool_calls: z.array(call).min(1).optional(),
  }),
  z.strictObject({ role: z.literal('tool'), tool_call_id: z.string(), content: z.string() }),
])
const request = z.strictObject({ model: z.string(), messages: z.array(message).min(1), tools: z.array(tool).min(1) })
type Message = z.infer<typeof message>

/** OpenAI's Chat Completions API. */
export function createChatWire(calls: readonly ScriptedCall[]): ProviderWire {
  const issued = calls.map((each) => ({
    id: `call_${randomId(24)}`,
    type: 'function' as const,
    function: { name: each.name, arguments: argumentText(each) },
  }))
  return {
    path: '/v1/chat/completions',
    isAuthorized: (headers) => /^Bearer ./.test(headers.authorization ?? ''),
    toErrorBody: toOpenaiError,
    answer: (body) => {
      const { model, messages, tools } = readRequest(request, body)
      tools.forEach((each, index) => {
        const problem = schemaProblem(each.function.parameters)
        if (problem === undefined) return
        const place = { param: `tools[${index}].function.parameters`, code: 'invalid_function_parameters' }
        throw new WireRefusal(`Invalid schema for function '${each.function.name}': ${problem}`, place)
      })
      checkScript(
        calls,
        tools.map((each) => each.function.name),
      )
      const results = readResults(messages, issued)
      if (results === undefined) {
        const content = { role: 'assistant' as const, content: null, refusal: null, annotations: [] }
        return toCompletion(model, 'tool_calls', { ...content, tool_calls: issued })
      }
      const content = finalText(results)
      return toCompletion(model, 'stop', { role: 'assistant', content, refusal: null, annotations: [] })
    },
  }
}

/** An error body of both of OpenAI's APIs. */
export function toOpenaiError({ message, param, code }: WireRefusal): Record<string, unknown> {
  return { error: { message, type: 'invalid_request_error', param, code } }
}

/** The texts of the results in the order of the messages; undefined before there are any. */
function readResults(messages: readonly Message[], issued: z.infer<typeof call>[]): string[] | undefined {
  const turn = messages.findIndex((each) => each.role === 'assistant' && each.tool_calls !== undefined)
  const stray = messages.findIndex((each, index) => each.role === 'tool' && (turn === -1 || index < turn))
  if (stray !== -1) throw strayResult(stray)
  const asked = messages[turn]
  if (asked?.role !== 'assistant') return undefined
  if (JSON.stringify(asked.tool_calls) !== JSON.stringify(issued)) {
    throw new WireRefusal('The calls of this turn are not those that were made', {
      param: `messages.[${turn}].tool_calls`,
    })
  }
  const open = new Set(issued.map((each) => each.id))
  const results: string[] = []
  for (const [index, each] of messages.entries()) {
    if (index <= turn || each.role !== 'tool') continue
    if (!open.delete(each.tool_call_id) || messages[index - 1]?.role === 'user') throw strayResult(index)
    results.push(each.content)
  }
  if (open.size === 0) return results
  throw new WireRefusal(
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
      `The following tool_call_ids did not have response messages: ${[...open].join(', ')}`,
    { param: 'messages' },
  )
}

function strayResult(index: number): WireRefusal {
  return new WireRefusal(
    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
    { param: `messages.[${index}].role` },
  )
}

function toCompletion(
  model: string,
  finish_reason: 'stop' | 'tool_calls',
  answer: OpenAI.ChatCompletionMessage,
): Record<string, unknown> {
  const completion: OpenAI.ChatCompletion = {
    id: `chatcmpl-${randomId(29)}`,
    object: 'chat.completion',
    created: 1_700_000_000,
    model,
    choices: [{ index: 0, message: answer, finish_reason, logprobs: null }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  }
  return { ...completion }
}
