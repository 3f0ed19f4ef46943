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
  type StreamWire,
} from './wire.ts'

const text = z.strictObject({ type: z.literal('text'), text: z.string().regex(/\S/) })
const thinking = z.strictObject({ type: z.literal('thinking'), thinking: z.string(), signature: z.literal('c2lnbmVk') })
const toolUse = z.strictObject({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
  caller: z.strictObject({ type: z.literal('direct') }).optional(),
})
const toolResult = z.strictObject({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: z.string(),
  is_error: z.boolean().optional(),
})
const request = z.strictObject({
  model: z.string(),
  max_tokens: z.int().positive(),
  messages: z
    .array(
      z.discriminatedUnion('role', [
        z.strictObject({ role: z.literal('user'), content: z.union([z.string().min(1), z.array(toolResult).min(1)]) }),
        z.strictObject({
          role: z.literal('assistant'),
          content: z.union([z.string().min(1), z.array(z.union([thinking, text, toolUse])).min(1)]),
        }),
      ]),
    )
    .min(1),
  stream: z.literal(true),
  system: z.string().optional(),
  tools: z
    .array(
      z.strictObject({
        name: z.string(),
        description: z.string(),
        input_schema: z.looseObject({ type: z.literal('object') }),
      }),
    )
    .optional(),
})

/** Anthropic's Messages API. */
export const anthropicWire: StreamWire = {
  path: '/v1/messages',
  carriesKey: (headers, key) =>
    (headers['x-api-key'] === key || headers.authorization === `Bearer ${key}`) &&
    headers['anthropic-version'] !== undefined,
  check(body) {
    const { messages, tools } = read(request, body)
    if (tools) checkTools(tools.map((tool) => tool.name))
    for (const [index, message] of messages.entries()) {
      const next = messages[index + 1]
      // The results of a turn stand in the message right after it, all of them.
      if (message.role === 'assistant') checkThinking(message.content)
      if (message.role === 'assistant') checkPairs(usesOf(message.content), next ? resultsIn(next.content) : [])
      else if (messages[index - 1]?.role !== 'assistant') checkPairs([], resultsIn(message.content))
    }
  },
  results: (body) =>
    read(request, body).messages.flatMap(({ content }) =>
      typeof content === 'string'
        ? []
        : content.flatMap((block) => (block.type === 'tool_result' ? [block.content] : [])),
    ),
  events(turn, model) {
    const message = {
      id: `msg_01${nextId(22)}`,
      type: 'message',
      role: 'assistant',
      model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 11, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 1 },
    }
    let begun = send('message_start', { message })
    let rest = ''
    let index = 0
    if (turn.calls) {
      begun += send('content_block_start', { index, content_block: { type: 'thinking', thinking: '', signature: '' } })
      begun += send('content_block_delta', { index, delta: { type: 'thinking_delta', thinking: 'The tools know.' } })
      begun += send('content_block_delta', { index, delta: { type: 'signature_delta', signature: 'c2lnbmVk' } })
      begun += send('content_block_stop', { index })
      index += 1
    }
    if (turn.text !== undefined) {
      begun += send('content_block_start', { index, content_block: { type: 'text', text: '' } }) + send('ping', {})
      for (const piece of pieces(turn.text)) {
        begun += send('content_block_delta', { index, delta: { type: 'text_delta', text: piece } })
      }
      rest += send('content_block_stop', { index })
      index += 1
    }
    for (const call of turn.calls ?? []) {
      const block = {
        type: 'tool_use',
        id: `toolu_01${nextId(22)}`,
        name: call.name,
        input: {},
        caller: { type: 'direct' },
      }
      rest += send('content_block_start', { index, content_block: block })
      for (const piece of ['', ...pieces(argumentText(call))]) {
        rest += send('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json: piece } })
      }
      rest += send('content_block_stop', { index })
      index += 1
    }
    const ends = { length: 'max_tokens', filtered: 'refusal' } as const
    const stop_reason = turn.stop ? ends[turn.stop] : turn.calls ? 'tool_use' : 'end_turn'
    rest += send('message_delta', { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 7 } })
    return { begun, rest: rest + send('message_stop', {}) }
  },
  failure: (message) => send('error', { error: { type: 'overloaded_error', message } }),
  errorBody: (status, message) => ({
    type: 'error',
    error: { type: errorTypes[status] ?? 'invalid_request_error', message },
    request_id: `req_01${nextId(22)}`,
  }),
}

const errorTypes: Record<number, string> = {
  401: 'authentication_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
  500: 'api_error',
}

function send(type: string, data: Json): string {
  return event(type, { type, ...data })
}

type Content = z.infer<typeof request>['messages'][number]['content']

function usesOf(content: Content): string[] {
  return typeof content === 'string' ? [] : content.flatMap((block) => (block.type === 'tool_use' ? [block.id] : []))
}

/** What the model thought before it called tools has to come back as it was signed. */
function checkThinking(content: Content): void {
  const [first] = typeof content === 'string' ? [] : content
  if (usesOf(content).length === 0) return
  if (first?.type !== 'thinking' || first.thinking !== 'The tools know.') throw new Error('The thinking is missing')
}

function resultsIn(content: Content): string[] {
  return typeof content === 'string'
    ? []
    : content.flatMap((block) => (block.type === 'tool_result' ? [block.tool_use_id] : []))
}
