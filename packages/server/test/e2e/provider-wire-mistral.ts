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
  type: z.literal('function').default('function'),
  function: z.strictObject({
    name: z.string().regex(toolNamePattern),
    description: z.string().default(''),
    parameters: z.record(z.string(), z.unknown()),
    strict: z.boolean().default(false),
  }),
})
const call = z.strictObject({
  id: z.string(),
  type: z.literal('function').default('function'),
  index: z.int().default(0),
  function: z.strictObject({ name: z.string(), arguments: z.union([z.string(), z.record(z.string(), z.unknown())]) }),
})
const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('user'), content: z.string() }),
  z.strictObject({ role: z.literal('system'), content: z.string() }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.string().nullish(),
    prefix: z.boolean().default(false),
    tool_calls: z.array(call).nullish(),
  }),
  z.strictObject({
    role: z.literal('tool'),
    content: z.string(),
    name: z.string().nullish(),
    tool_call_id: z.string().nullish(),
  }),
])
const request = z.strictObject({
  model: z.string(),
  messages: z.array(message).min(1),
  tools: z.array(tool).min(1),
  stream: z.literal(false).default(false),
})
type Message = z.infer<typeof message>
type Call = z.infer<typeof call>

/** Mistral's chat API. */
export function createMistralWire(calls: readonly ScriptedCall[]): ProviderWire {
  const issued = calls.map((each, index) => ({
    id: randomId(9),
    type: 'function' as const,
    index,
    function: { name: each.name, arguments: argumentText(each) },
  }))
  return {
    path: '/v1/chat/completions',
    isAuthorized: (headers) => /^Bearer ./.test(headers.authorization ?? ''),
    toErrorBody: ({ status, message, param, code }) => {
      const detail = [{ type: 'value_error', loc: ['body', ...(param ?? '').split('.')], msg: message }]
      // Members out of place are one kind of error, a conversation that makes no sense another.
      const shown = status === 422 ? { detail } : message
      return { object: 'error', message: shown, type: 'invalid_request_error', param: null, code }
    },
    answer: (body) => {
      const { model, messages, tools } = readRequest(request, body, 422)
      for (const each of tools) {
        const problem = schemaProblem(each.function.parameters)
        if (problem !== undefined) throw new WireRefusal(`Invalid tool schema: ${problem}`, { code: '3015' })
      }
      checkScript(
        calls,
        tools.map((each) => each.function.name),
      )
      const results = readResults(messages, issued)
      if (results !== undefined)
        return toCompletion(model, 'stop', { role: 'assistant', content: finalText(results), tool_calls: null })
      return toCompletion(model, 'tool_calls', { role: 'assistant', content: '', tool_calls: issued })
    },
  }
}

/** The texts of the results; undefined before the model has asked for any. */
function readResults(messages: readonly Message[], issued: readonly Call[]): string[] | undefined {
  const turn = messages.findIndex((each) => each.role === 'assistant' && (each.tool_calls ?? []).length > 0)
  const given = messages.flatMap((each, index) => (each.role === 'tool' ? [{ ...each, index }] : []))
  if (given.some(({ index }) => turn === -1 || index < turn)) {
    throw new WireRefusal("Unexpected role 'tool' after role 'user'", { code: '3230' })
  }
  const asked = messages[turn]
  if (asked?.role !== 'assistant') return undefined
  if (JSON.stringify(asked.tool_calls) !== JSON.stringify(issued)) {
    throw new WireRefusal('The calls of this turn are not those that were made')
  }
  for (const { tool_call_id } of given) {
    if (/^[a-zA-Z0-9]{9}$/.test(tool_call_id ?? '')) continue
    const found = `Tool call id was ${tool_call_id} but must be a-z, A-Z, 0-9, with a length of 9.`
    throw new WireRefusal(found, { code: '3280' })
  }
  const open = new Set(issued.map((each) => each.id))
  for (const { tool_call_id, name } of given) {
    const answered = issued.find((each) => each.id === tool_call_id)
    if (answered === undefined || !open.delete(answered.id))
      throw new WireRefusal('Unexpected tool call id in tool results', { code: '3230' })
    if (name != null && name !== answered.function.name)
      throw new WireRefusal(`Result of "${name}" for "${answered.function.name}"`)
  }
  if (open.size > 0) throw new WireRefusal('Not the same number of function calls and responses', { code: '3230' })
  return given.map((each) => each.content)
}

function toCompletion(model: string, finish_reason: string, answer: Record<string, unknown>): Record<string, unknown> {
  return {
    id: randomId(32),
    object: 'chat.completion',
    model,
    created: 1_700_000_000,
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    choices: [{ index: 0, message: answer, finish_reason }],
  }
}
