import * as z from 'zod'
import {
  argumentText,
  checkPairs,
  checkTools,
  event,
  type Json,
  nextId,
  pieces,
  read,
  type ScriptedTurn,
  type StreamWire,
} from './wire.ts'

const called = z.strictObject({ name: z.string(), arguments: z.string() })
const tools = z
  .array(
    z.strictObject({
      type: z.literal('function'),
      function: z.strictObject({
        name: z.string(),
        description: z.string(),
        parameters: z.looseObject({ type: z.literal('object') }),
        strict: z.boolean().optional(),
      }),
    }),
  )
  .optional()
const spoken = z.strictObject({ role: z.enum(['user', 'system']), content: z.string().min(1) })

const openaiRequest = z.strictObject({
  model: z.string(),
  messages: z
    .array(
      z.union([
        spoken,
        z.strictObject({
          role: z.literal('assistant'),
          content: z.string().min(1).nullable(),
          tool_calls: z
            .array(z.strictObject({ id: z.string(), type: z.literal('function'), function: called }))
            .min(1)
            .optional(),
        }),
        z.strictObject({ role: z.literal('tool'), tool_call_id: z.string(), content: z.string() }),
      ]),
    )
    .min(1),
  stream: z.literal(true),
  stream_options: z.strictObject({ include_usage: z.boolean() }).optional(),
  max_completion_tokens: z.int().optional(),
  tools,
})

const mistralRequest = z.strictObject({
  model: z.string(),
  messages: z
    .array(
      z.union([
        spoken,
        z.strictObject({
          role: z.literal('assistant'),
          content: z.string(),
          prefix: z.literal(false),
          tool_calls: z
            .array(
              z.strictObject({
                id: z.string().regex(/^[a-zA-Z0-9]{9}$/),
                type: z.literal('function'),
                index: z.int(),
                function: called,
              }),
            )
            .min(1)
            .optional(),
        }),
        z.strictObject({
          role: z.literal('tool'),
          tool_call_id: z.string().regex(/^[a-zA-Z0-9]{9}$/),
          name: z.string(),
          content: z.string(),
        }),
      ]),
    )
    .min(1),
  stream: z.literal(true),
  max_tokens: z.int().optional(),
  tools,
})

type Request = z.infer<typeof openaiRequest> | z.infer<typeof mistralRequest>

const carriesKey: StreamWire['carriesKey'] = (headers, key) => headers.authorization === `Bearer ${key}`

/** OpenAI's Chat Completions API: a call comes in pieces under its index, what it cost in a chunk of its own. */
export const openaiChatWire: StreamWire = {
  path: '/v1/chat/completions',
  carriesKey,
  check: (body) => checkConversation(read(openaiRequest, body)),
  results: (body) => resultsOf(read(openaiRequest, body)),
  events(turn, model) {
    const chunk = chunkOf(`chatcmpl-${nextId(29)}`, model)
    const delta = (data: Json): string => event(undefined, chunk({ delta: data, logprobs: null, finish_reason: null }))
    let rest = ''
    for (const [index, call] of (turn.calls ?? []).entries()) {
      const begin = { id: `call_${nextId(24)}`, type: 'function', function: { name: call.name, arguments: '' } }
      rest += delta({ tool_calls: [{ index, ...begin }] })
      for (const piece of pieces(argumentText(call))) {
        rest += delta({ tool_calls: [{ index, function: { arguments: piece } }] })
      }
    }
    const stop = turn.stop === 'filtered' ? 'content_filter' : (turn.stop ?? (turn.calls ? 'tool_calls' : 'stop'))
    rest += event(undefined, chunk({ delta: {}, logprobs: null, finish_reason: stop }))
    rest += event(undefined, { ...chunk({}), choices: [], usage })
    return {
      begun: delta({ role: 'assistant', content: '', refusal: null }) + texts(turn, (content) => delta({ content })),
      rest: `${rest}data: [DONE]\n\n`,
    }
  },
  failure: (message) =>
    event(undefined, { error: { message, type: 'server_error', param: null, code: 'server_error' } }),
  errorBody: (_status, message, code) => ({
    error: { message, type: 'invalid_request_error', param: null, code: code ?? null },
  }),
}

/** Mistral's chat API: all calls come whole, in the chunk that ends the turn. */
export const mistralWire: StreamWire = {
  path: '/v1/chat/completions',
  carriesKey,
  check(body) {
    const { messages } = read(mistralRequest, body)
    for (const [index, { role }] of messages.entries()) {
      // The order of roles that this API insists on.
      const before = messages[index - 1]?.role
      if (role === 'user' && before === 'tool') throw new Error("Unexpected role 'user' after role 'tool'")
      if (role === 'assistant' && before === 'assistant') throw new Error("Unexpected role 'assistant'")
    }
    checkConversation(read(mistralRequest, body))
  },
  results: (body) => resultsOf(read(mistralRequest, body)),
  events(turn, model) {
    const chunk = chunkOf(nextId(32), model)
    const delta = (data: Json): string => event(undefined, chunk({ delta: data, finish_reason: null }))
    const tool_calls = turn.calls?.map((call, index) => ({
      id: nextId(9),
      type: 'function',
      function: { name: call.name, arguments: argumentText(call) },
      index,
    }))
    const finish_reason = turn.stop ?? (turn.calls ? 'tool_calls' : 'stop')
    const last = chunk({ delta: { content: '', ...(tool_calls ? { tool_calls } : {}) }, finish_reason })
    return {
      begun: delta({ role: 'assistant', content: '' }) + texts(turn, (content) => delta({ content })),
      rest: `${event(undefined, { ...last, usage })}data: [DONE]\n\n`,
    }
  },
  // The reason is no part of it.
  failure: () =>
    `${event(undefined, chunkOf(nextId(32), 'm')({ delta: { content: '' }, finish_reason: 'error' }))}data: [DONE]\n\n`,
  errorBody: (status, message) =>
    status === 401
      ? { message: 'Unauthorized', request_id: nextId(32) }
      : { object: 'error', message, type: 'invalid_request_error', param: null, code: null },
}

const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 }

function texts({ text }: ScriptedTurn, write: (piece: string) => string): string {
  return pieces(text ?? '')
    .map(write)
    .join('')
}

function chunkOf(id: string, model: string): (choice: Json) => Json {
  const common = { id, object: 'chat.completion.chunk', created: 1_700_000_000, model }
  return (choice) => ({ ...common, choices: [{ index: 0, ...choice }] })
}

function checkConversation({ messages, tools }: Request): void {
  if (tools) checkTools(tools.map((tool) => tool.function.name))
  checkPairs(
    messages.flatMap((each) => (each.role === 'assistant' ? (each.tool_calls ?? []).map(({ id }) => id) : [])),
    messages.flatMap((each) => (each.role === 'tool' ? [each.tool_call_id] : [])),
  )
}

function resultsOf({ messages }: Request): string[] {
  return messages.flatMap((each) => (each.role === 'tool' ? [each.content] : []))
}
