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

const item = z.union([
  z.strictObject({ role: z.enum(['user', 'assistant', 'system']), content: z.string().min(1) }),
  z.strictObject({ type: z.literal('function_call_output'), call_id: z.string(), output: z.string() }),
  z.strictObject({
    type: z.literal('function_call'),
    id: z.string(),
    call_id: z.string(),
    name: z.string(),
    arguments: z.string(),
    status: z.string(),
  }),
  z.strictObject({
    type: z.literal('message'),
    id: z.string(),
    status: z.string(),
    role: z.literal('assistant'),
    content: z.array(z.looseObject({ type: z.literal('output_text'), text: z.string() })).min(1),
  }),
  z.strictObject({ type: z.literal('reasoning'), id: z.string(), summary: z.array(z.unknown()) }),
])
const request = z.strictObject({
  model: z.string(),
  input: z.array(item).min(1),
  stream: z.literal(true),
  instructions: z.string().optional(),
  max_output_tokens: z.int().optional(),
  tools: z
    .array(
      z.strictObject({
        type: z.literal('function'),
        name: z.string(),
        description: z.string(),
        parameters: z.looseObject({ type: z.literal('object') }),
        strict: z.boolean(),
      }),
    )
    .optional(),
})

/** OpenAI's Responses API. */
export const responsesWire: StreamWire = {
  path: '/v1/responses',
  carriesKey: (headers, key) => headers.authorization === `Bearer ${key}`,
  check(body) {
    const { input, tools } = read(request, body)
    if (tools) checkTools(tools.map((tool) => tool.name))
    const typed = input.flatMap((each) => ('type' in each ? [each] : []))
    checkPairs(
      typed.flatMap((each) => (each.type === 'function_call' ? [each.call_id] : [])),
      typed.flatMap((each) => (each.type === 'function_call_output' ? [each.call_id] : [])),
    )
  },
  results: (body) =>
    read(request, body).input.flatMap((each) =>
      'type' in each && each.type === 'function_call_output' ? [each.output] : [],
    ),
  events: (turn, model) => new ResponseEvents(model).write(turn),
  failure: (message) =>
    event('response.failed', {
      type: 'response.failed',
      sequence_number: 99,
      response: { object: 'response', status: 'failed', output: [], error: { code: 'server_error', message } },
    }),
  errorBody: (_status, message, code) => ({
    error: { message, type: 'invalid_request_error', param: null, code: code ?? null },
  }),
}

class ResponseEvents {
  readonly #model: string
  readonly #id = `resp_${nextId(48)}`
  readonly #output: Json[] = []
  #sequence = 0

  constructor(model: string) {
    this.#model = model
  }

  write(turn: ScriptedTurn): { begun: string; rest: string } {
    let begun = this.#event('response.created', { response: this.#response('in_progress') })
    begun += this.#event('response.in_progress', { response: this.#response('in_progress') })
    begun += this.#item({ type: 'reasoning', id: `rs_${nextId(48)}`, summary: [] })
    let rest = ''
    if (turn.text !== undefined) {
      const message = { type: 'message', id: `msg_${nextId(48)}`, role: 'assistant' }
      const place = { item_id: message.id, output_index: this.#output.length, content_index: 0 }
      const part = { type: 'output_text', text: turn.text, annotations: [], logprobs: [] }
      begun += this.#event('response.output_item.added', {
        output_index: place.output_index,
        item: { ...message, status: 'in_progress', content: [] },
      })
      begun += this.#event('response.content_part.added', { ...place, part: { ...part, text: '' } })
      for (const delta of pieces(turn.text)) {
        begun += this.#event('response.output_text.delta', { ...place, delta, logprobs: [] })
      }
      rest += this.#event('response.output_text.done', { ...place, text: turn.text, logprobs: [] })
      rest += this.#event('response.content_part.done', { ...place, part })
      rest += this.#done({ ...message, status: 'completed', content: [part] })
    }
    for (const call of turn.calls ?? []) {
      const made = { type: 'function_call', id: `fc_${nextId(48)}`, call_id: `call_${nextId(24)}`, name: call.name }
      const place = { item_id: made.id, output_index: this.#output.length }
      rest += this.#event('response.output_item.added', {
        output_index: place.output_index,
        item: { ...made, arguments: '', status: 'in_progress' },
      })
      for (const delta of pieces(argumentText(call))) {
        rest += this.#event('response.function_call_arguments.delta', { ...place, delta })
      }
      rest += this.#event('response.function_call_arguments.done', { ...place, arguments: argumentText(call) })
      rest += this.#done({ ...made, arguments: argumentText(call), status: 'completed' })
    }
    return { begun, rest: rest + this.#end(turn) }
  }

  #end({ stop }: ScriptedTurn): string {
    if (stop === undefined) return this.#event('response.completed', { response: this.#response('completed') })
    const reason = stop === 'length' ? 'max_output_tokens' : 'content_filter'
    return this.#event('response.incomplete', {
      response: { ...this.#response('incomplete'), incomplete_details: { reason } },
    })
  }

  #item(item: Json): string {
    return this.#event('response.output_item.added', { output_index: this.#output.length, item }) + this.#done(item)
  }

  #done(item: Json): string {
    this.#output.push(item)
    return this.#event('response.output_item.done', { output_index: this.#output.length - 1, item })
  }

  #event(type: string, data: Json): string {
    this.#sequence += 1
    return event(type, { type, sequence_number: this.#sequence - 1, ...data })
  }

  #response(status: string): Json {
    const ended = status !== 'in_progress'
    return {
      id: this.#id,
      object: 'response',
      created_at: 1_700_000_000,
      status,
      model: this.#model,
      output: ended ? this.#output : [],
      error: null,
      incomplete_details: null,
      usage: ended ? { input_tokens: 11, output_tokens: 7, total_tokens: 18 } : null,
    }
  }
}
