import type Anthropic from '@anthropic-ai/sdk'
import * as z from 'zod'
import {
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
  type: z.literal('custom').optional(),
  name: z.string().regex(toolNamePattern),
  description: z.string().optional(),
  input_schema: z.looseObject({ type: z.literal('object') }),
})
const text = z.strictObject({ type: z.literal('text'), text: z.string(), citations: z.null().optional() })
const toolUse = z.strictObject({
  type: z.literal('tool_use'),
  id: z.string().regex(/^[a-zA-Z0-9_-]+$/),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
  caller: z.unknown().optional(),
})
const toolResult = z.strictObject({
  type: z.literal('tool_result'),
  tool_use_id: z.string().regex(/^[a-zA-Z0-9_-]+$/),
  content: z.union([z.string(), z.array(text)]).optional(),
  is_error: z.boolean().optional(),
})
const message = z.discriminatedUnion('role', [
  z.strictObject({
    role: z.literal('user'),
    content: z.union([z.string().min(1), z.array(z.discriminatedUnion('type', [text, toolResult])).min(1)]),
  }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.union([z.string().min(1), z.array(z.discriminatedUnion('type', [text, toolUse])).min(1)]),
  }),
])
const request = z.strictObject({
  model: z.string(),
  max_tokens: z.int().positive(),
  messages: z.array(message).min(1),
  tools: z.array(tool).min(1),
})
type Message = z.infer<typeof message>
type ToolUse = z.infer<typeof toolUse>

/** Anthropic's Messages API. */
export function createAnthropicWire(calls: readonly ScriptedCall[]): ProviderWire {
  const issued = calls.map((call) => {
    if (typeof call.args === 'string') throw new Error(`"${call.name}": this API has no argument texts`)
    const caller = { type: 'direct' as const }
    return { type: 'tool_use' as const, id: `toolu_01${randomId(22)}`, name: call.name, input: call.args, caller }
  })
  return {
    path: '/v1/messages',
    isAuthorized: (headers) =>
      (headers['x-api-key'] !== undefined || /^Bearer ./.test(headers.authorization ?? '')) &&
      headers['anthropic-version'] !== undefined,
    toErrorBody: ({ status, message }) => ({
      type: 'error',
      error: { type: status === 401 ? 'authentication_error' : 'invalid_request_error', message },
      request_id: `req_01${randomId(22)}`,
    }),
    answer: (body) => {
      const { model, messages, tools } = readRequest(request, body)
      const names = tools.map((each) => each.name)
      if (new Set(names).size !== names.length) throw new WireRefusal('tools: Tool names must be unique.')
      tools.forEach((each, index) => {
        const problem = schemaProblem({ properties: {}, ...each.input_schema })
        if (problem !== undefined) throw new WireRefusal(`tools.${index}.custom.input_schema: ${problem}`)
      })
      checkScript(calls, names)
      const results = readResults(messages, issued)
      if (results !== undefined) return toMessage(model, 'end_turn', [textBlock(finalText(results))])
      return toMessage(model, 'tool_use', [textBlock('I look it up.'), ...issued])
    },
  }
}

/** The texts of the results; undefined before the model has asked for any. */
function readResults(messages: readonly Message[], issued: readonly ToolUse[]): string[] | undefined {
  let results: string[] | undefined
  for (const [index, each] of messages.entries()) {
    const asked = toolUses(messages[index - 1])
    const given = each.role === 'user' ? toolResults(each) : []
    const stray = given.find((result) => !asked.some((use) => use.id === result.tool_use_id))
    if (stray !== undefined) {
      const place = `messages.${index}.content.${given.indexOf(stray)}`
      throw new WireRefusal(
        `${place}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray.tool_use_id}.`,
      )
    }
    checkAnswered(index - 1, asked, given)
    if (asked.length > 0) {
      if (JSON.stringify(asked) !== JSON.stringify(issued))
        throw new WireRefusal('The calls of this turn are not those that were made')
      results = given.map((result) =>
        typeof result.content === 'string' ? result.content : JSON.stringify(result.content),
      )
    }
  }
  const last = messages.length - 1
  checkAnswered(last, toolUses(messages[last]), [])
  return results
}

function checkAnswered(index: number, asked: readonly ToolUse[], given: readonly z.infer<typeof toolResult>[]): void {
  const ids = given.map((result) => result.tool_use_id)
  const open = asked.filter((use) => !ids.includes(use.id)).map((use) => use.id)
  if (open.length > 0) {
    throw new WireRefusal(
      `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${open.join(', ')}. ` +
        'Each `tool_use` block must have a corresponding `tool_result` block in the next message.',
    )
  }
  if (new Set(ids).size !== ids.length) {
    throw new WireRefusal(`messages.${index + 1}: each tool_use must have a single result.`)
  }
}

function toolUses(each: Message | undefined): ToolUse[] {
  if (each?.role !== 'assistant' || typeof each.content === 'string') return []
  return each.content.filter((block) => block.type === 'tool_use')
}

function toolResults(each: Extract<Message, { role: 'user' }>): z.infer<typeof toolResult>[] {
  return typeof each.content === 'string' ? [] : each.content.filter((block) => block.type === 'tool_result')
}

function textBlock(value: string): Anthropic.TextBlock {
  return { type: 'text', text: value, citations: null }
}

function toMessage(
  model: string,
  stop_reason: Anthropic.StopReason,
  content: Anthropic.ContentBlock[],
): Record<string, unknown> {
  return {
    id: `msg_01${randomId(22)}`,
    type: 'message',
    role: 'assistant',
    model,
    content,
    stop_reason,
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  }
}
