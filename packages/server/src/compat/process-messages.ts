import { AtpError, type ToolkitContext, type WireError } from '@atp/core'
import { firstIssues, toWireContext } from '@atp/core/protocol'
import * as z from 'zod'

/** What a body of `POST …/llm-client/process/` asks for. */
export type ProcessMessage =
  | { kind: 'context'; requestId: string; toolkitId: string; provider: string | undefined; userPrompt: string }
  | {
      kind: 'call'
      requestId: string
      toolkitId: string
      tool: string
      params: Record<string, unknown>
      authToken: string | undefined
      timeoutMs: number | undefined
      provider: string | undefined
    }

const requestId = z.string().max(128).default('')
const optionalText = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined)

const contextMessage = z.object({
  type: z.literal('get_toolkit_context'),
  request_id: requestId,
  toolkit_id: z.string().min(1).max(512),
  provider: optionalText,
  user_prompt: optionalText,
})

const taskMessage = z.object({
  type: z.literal('task_request'),
  request_id: requestId,
  toolkit_id: z.string().min(1).max(512),
  payload: z.object({
    function: z.string().max(256),
    parameters: z.record(z.string(), z.unknown()).nullish(),
    auth_token: optionalText,
  }),
  auth_token: optionalText,
  provider: optionalText,
  timeout_ms: z.number().positive().nullish(),
})

/**
 * Reads the JSON body of a `process/` request.
 * @throws AtpError `invalid_request`
 */
export function readProcessMessage(body: unknown): ProcessMessage {
  const type = (body as { type?: unknown } | null | undefined)?.type
  if (type === 'get_toolkit_context') {
    const message = read(contextMessage, body)
    return {
      kind: 'context',
      requestId: message.request_id,
      toolkitId: message.toolkit_id,
      provider: message.provider,
      userPrompt: message.user_prompt ?? '',
    }
  }
  if (type === 'task_request') {
    const message = read(taskMessage, body)
    return {
      kind: 'call',
      requestId: message.request_id,
      toolkitId: message.toolkit_id,
      tool: message.payload.function,
      params: message.payload.parameters ?? {},
      authToken: message.payload.auth_token || message.auth_token || undefined,
      timeoutMs: message.timeout_ms ?? undefined,
      provider: message.provider,
    }
  }
  throw new AtpError('invalid_request', 'The body needs a type: "get_toolkit_context" or "task_request"')
}

/** The answer to a context question, as every generation reads it. */
export function contextAnswer(requestId: string, context: ToolkitContext): Record<string, unknown> {
  return { type: 'toolkit_context', request_id: requestId, payload: toWireContext(context) }
}

/** The answer for a toolkit that is not there: an empty context that says why. */
export function contextErrorAnswer(requestId: string, error: WireError): Record<string, unknown> {
  return {
    type: 'toolkit_context',
    request_id: requestId,
    payload: { error: error.message, tools: [] },
    error: error.message,
    code: error.code,
  }
}

/**
 * The answer to a call, for both generations at once. A failed call is a result `{"error": text}`, because a status of
 * "error" would show the model `{}`; `error` beside it is ours, and older clients do not read it.
 */
export function taskAnswer(
  requestId: string,
  tool: string,
  outcome: { ok: true; result: unknown } | { ok: false; error: WireError },
): Record<string, unknown> {
  const result = outcome.ok ? outcome.result : { error: outcome.error.message }
  return {
    type: 'task_response',
    request_id: requestId,
    status: 'success',
    payload: { result },
    result: { tool: { name: tool, result } },
    ...(outcome.ok ? {} : { error: outcome.error }),
  }
}

function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  throw new AtpError('invalid_request', `The body cannot be read: ${firstIssues(parsed.error)}`)
}
