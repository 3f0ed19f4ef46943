import { type ToolkitContext, toWireError, type WireError } from '@atp/core'
import { isJsonObject, toWireContext } from '@atp/core/protocol'
import type { CallOutcome } from '../calls/call.ts'
import { contextText } from './context-text.ts'
import type { ContextMessage } from './read-llm-message.ts'

/**
 * Whether an answer is exactly the founding one, as on the founding sockets, or has members of ours beside it, which
 * older clients do not read: warnings and instructions of a context, the typed error of a call.
 */
export type AnswerForm = 'founding' | 'extended'

/** The answer to a context question, as every generation reads it. */
export function contextAnswer(
  message: ContextMessage,
  context: ToolkitContext,
  form: AnswerForm,
): Record<string, unknown> {
  const { toolkit_id, toolkit_name, caption, tools, user_prompt, ...ours } = toWireContext(context)
  const extended = form === 'extended'
  return {
    type: 'toolkit_context',
    request_id: message.requestId,
    payload: {
      ...(extended ? ours : {}),
      toolkit_id,
      toolkit_name,
      caption,
      provider: message.provider,
      tools: extended ? tools : context.tools.map(withRequired),
      user_prompt,
      ...(message.wantsText ? { context: contextText(context) } : {}),
    },
  }
}

/** The answer for a context that cannot be had: an empty one that says why. */
export function contextErrorAnswer(message: ContextMessage, error: WireError): Record<string, unknown> {
  return {
    type: 'toolkit_context',
    request_id: message.requestId,
    payload: { error: error.message, tools: [], ...(message.wantsText ? { context: error.message } : {}) },
  }
}

/** The founding schema always has the list, also when it is empty, which provider formats leave out. */
function withRequired(tool: Record<string, unknown>): Record<string, unknown> {
  if (isJsonObject(tool.function)) return { ...tool, function: withRequired(tool.function) }
  for (const member of ['parameters', 'input_schema']) {
    const schema = tool[member]
    if (isJsonObject(schema)) return { ...tool, [member]: { ...schema, required: schema.required ?? [] } }
  }
  return tool
}

/**
 * The answer to a call, for both generations at once. A failed call is a result `{"error": text}`, because a status of
 * "error" would show the model `{}`.
 */
export function taskAnswer(
  requestId: unknown,
  tool: string,
  outcome: CallOutcome,
  form: AnswerForm,
): Record<string, unknown> {
  const result = outcome.ok ? outcome.result : { error: outcome.error.message }
  return {
    type: 'task_response',
    request_id: requestId,
    status: 'success',
    payload: { result },
    result: { tool: { name: tool, result } },
    // Said either way: a tool may rightfully return what looks like a failure.
    ...(form === 'founding' ? {} : { error: outcome.ok ? null : outcome.error }),
  }
}

/** The answer to a call that its caller does not wait for: it is stored. */
export function acceptedAnswer(requestId: unknown, callId: string): Record<string, unknown> {
  return { type: 'task_accepted', request_id: requestId, call_id: callId }
}

/** The answer to the greeting. */
export function authAnswer(error?: WireError): Record<string, unknown> {
  return error === undefined
    ? { type: 'auth_response', success: true }
    : { type: 'auth_response', success: false, error: error.message }
}

/** The answer to what no generation sends. */
export function otherAnswer(requestId: unknown, error: unknown): Record<string, unknown> {
  return { type: 'error', request_id: requestId, error: toWireError(error) }
}
