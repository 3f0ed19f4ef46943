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
import { toOpenaiError } from './provider-wire-chat.ts'

const tool = z.strictObject({
  type: z.literal('function'),
  name: z.string().regex(toolNamePattern),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()),
  strict: z.boolean().nullish(),
})
const inputItem = z.union([
  z.strictObject({
    type: z.literal('message').optional(),
    role: z.enum(['user', 'system', 'developer']),
    content: z.string(),
  }),
  z.strictObject({
    type: z.literal('message'),
    role: z.literal('assistant'),
    id: z.string(),
    status: z.string(),
    content: z.array(z.looseObject({ type: z.literal('output_text'), text: z.string() })),
  }),
  z.strictObject({ type: z.literal('reasoning'), id: z.string(), summary: z.array(z.unknown()) }),
  z.strictObject({
    type: z.literal('function_call'),
    call_id: z.string(),
    name: z.string(),
    arguments: z.string(),
    id: z.string().optional(),
    status: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('function_call_output'),
    call_id: z.string(),
    output: z.string(),
    id: z.string().nullish(),
    status: z.string().nullish(),
  }),
])
const request = z.strictObject({
  model: z.string(),
  input: z.union([z.string(), z.array(inputItem)]),
  tools: z.array(tool).min(1),
})
type InputItem = z.infer<typeof inputItem>

/** OpenAI's Responses API. */
export function createResponsesWire(calls: readonly ScriptedCall[]): ProviderWire {
  const issued = calls.map((call) => ({
    type: 'function_call' as const,
    id: `fc_${randomId(48)}`,
    call_id: `call_${randomId(24)}`,
    name: call.name,
    arguments: argumentText(call),
    status: 'completed' as const,
  }))
  return {
    path: '/v1/responses',
    isAuthorized: (headers) => /^Bearer ./.test(headers.authorization ?? ''),
    toErrorBody: toOpenaiError,
    answer: (body) => {
      const { input, tools, model } = readRequest(request, body)
      tools.forEach((each, index) => {
        checkTool(each, index)
      })
      checkScript(
        calls,
        tools.map((each) => each.name),
      )
      const items = typeof input === 'string' ? [] : input
      const results = readResults(items)
      if (results.length === 0) return toResponse(model, tools, [reasoning(), message('I look it up.'), ...issued])
      checkTurn(items, issued)
      return toResponse(model, tools, [message(finalText(results))])
    },
  }
}

function checkTool(each: z.infer<typeof tool>, index: number): void {
  // Strict is the default of this API, and asks for closed objects whose properties are all required.
  const problem =
    schemaProblem(each.parameters) ??
    (each.strict !== false && each.parameters.additionalProperties !== false
      ? "In context=(), 'additionalProperties' is required to be supplied and to be false."
      : undefined)
  if (problem === undefined) return
  throw new WireRefusal(`Invalid schema for function '${each.name}': ${problem}`, {
    param: `tools[${index}].parameters`,
    code: 'invalid_function_parameters',
  })
}

function readResults(items: readonly InputItem[]): string[] {
  const made = new Set(items.flatMap((item) => (item.type === 'function_call' ? [item.call_id] : [])))
  const outputs = items.filter((item) => item.type === 'function_call_output')
  const stray = outputs.find((item) => !made.has(item.call_id))
  if (stray !== undefined) {
    throw new WireRefusal(`No tool call found for function call output with call_id ${stray.call_id}.`, {
      param: 'input',
    })
  }
  const answered = outputs.map((item) => item.call_id)
  const open = [...made].find((id) => !answered.includes(id))
  if (open !== undefined) throw new WireRefusal(`No tool output found for function call ${open}.`, { param: 'input' })
  if (new Set(answered).size !== answered.length)
    throw new WireRefusal('Duplicate function call output', { param: 'input' })
  return outputs.map((item) => item.output)
}

function checkTurn(items: readonly InputItem[], issued: readonly { call_id: string; arguments: string }[]): void {
  const repeated = items.filter((item) => item.type === 'function_call')
  const same =
    repeated.map((item) => `${item.call_id} ${item.arguments}`).join() ===
    issued.map((item) => `${item.call_id} ${item.arguments}`).join()
  if (!same) throw new WireRefusal('The calls of this turn are not those that were made', { param: 'input' })
}

type Item = OpenAI.Responses.ResponseOutputItem

function reasoning(): Item {
  return { type: 'reasoning', id: `rs_${randomId(48)}`, summary: [] }
}

function message(text: string): Item {
  const content = [{ type: 'output_text' as const, text, annotations: [], logprobs: [] }]
  return { type: 'message', id: `msg_${randomId(48)}`, role: 'assistant', status: 'completed', content }
}

function toResponse(model: string, tools: z.infer<typeof tool>[], output: Item[]): Record<string, unknown> {
  return {
    id: `resp_${randomId(48)}`,
    object: 'response',
    created_at: 1_700_000_000,
    status: 'completed',
    model,
    output,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    parallel_tool_calls: true,
    temperature: 1,
    top_p: 1,
    tool_choice: 'auto',
    tools,
    truncation: 'disabled',
    previous_response_id: null,
    usage: {
      input_tokens: 1,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: 1,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 2,
    },
  }
}
