import * as z from 'zod'
import { type ErrorCode, isErrorCode } from '../errors/codes.ts'
import type { WireError } from '../errors/to-wire-error.ts'
import { isJsonObject } from './json.ts'
import { namedAnnotations, type ToolAnnotations, toWireAnnotations } from './tool-descriptor.ts'

/** The tools of one toolkit in one provider's format. */
export interface ToolkitContext {
  toolkitId: string
  toolkitName: string
  caption: string
  /** System instructions of the toolkit's author, for the model. */
  instructions?: string | undefined
  provider: string
  /** Tool definitions in the provider's own form. */
  tools: Record<string, unknown>[]
  userPrompt: string
  /** Tools left out for this provider, or changed so that something is lost, and why; `code` is stable. */
  warnings: { tool: string; provider: string; code: string; message: string }[]
  /**
   * What the authors say of those of the tools that they say something of, by the name in `tools`. Left out by servers
   * that do not tell: nothing is known then, not even that a tool does no harm.
   */
  annotations?: (ToolAnnotations & { tool: string })[] | undefined
}

/** Writes a context as it travels: in context frames, in `toolkit_context` answers and in `--json` output. */
export function toWireContext(context: ToolkitContext): Record<string, unknown> {
  return {
    toolkit_id: context.toolkitId,
    toolkit_name: context.toolkitName,
    caption: context.caption,
    instructions: context.instructions,
    provider: context.provider,
    tools: context.tools,
    user_prompt: context.userPrompt,
    warnings: context.warnings,
    annotations: context.annotations?.map((each) => ({ tool: each.tool, ...toWireAnnotations(each) })),
  }
}

/** Body of `POST …/llm-client/process/` that asks for a context. */
export interface ContextRequestBody {
  type: 'get_toolkit_context'
  request_id: string
  toolkit_id: string
  provider: string
  user_prompt: string
}

/** Body of `POST …/llm-client/process/` that runs a tool; everything from `timeout_ms` on is ours. */
export interface TaskRequestBody {
  type: 'task_request'
  request_id: string
  toolkit_id: string
  payload: { function: string; parameters: Record<string, unknown>; auth_token?: string | undefined }
  provider?: string | undefined
  user_prompt?: string | undefined
  timeout_ms?: number | undefined
  idempotency_key?: string | undefined
  external_user_id?: string | undefined
  detach?: boolean | undefined
  /** What happens in a session of an app. */
  app?: { session_id: string; event: string; data?: unknown } | undefined
  _meta?: Record<string, unknown> | undefined
}

/** What our client reads of a `task_response`: the members that every generation has, and ours. */
export interface TaskResponseBody {
  request_id: string
  outcome: { ok: true; result: unknown } | { ok: false; error: WireError }
}

/** What a server says of one call. */
export interface CallStateBody {
  callId: string
  toolkitId: string
  toolkit: string
  tool: string
  status: CallEnd | 'running'
  outcome: TaskResponseBody['outcome'] | undefined
  startedAt: Date
  endedAt: Date | undefined
}

/** How a call ended. */
export type CallEnd = 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'delivery_failed' | 'outcome_unknown'

const looseObject = z.custom<Record<string, unknown>>(isJsonObject, 'must be an object')

const wireError: z.ZodType<WireError> = z
  .object({
    code: z.string(),
    message: z.string(),
    retryable: z.boolean().default(false),
    details: looseObject.nullish(),
  })
  .transform(({ code, message, retryable, details }) => ({
    code: isErrorCode(code) ? code : 'tool_error',
    message,
    retryable,
    ...(details ? { details } : {}),
  }))

/** Reads a context; members that older servers leave out get neutral values. */
export const toolkitContext: z.ZodType<ToolkitContext> = z
  .object({
    toolkit_id: z.string(),
    toolkit_name: z.string().nullish(),
    caption: z.string().nullish(),
    instructions: z.string().nullish(),
    provider: z.string().nullish(),
    tools: z.array(looseObject),
    user_prompt: z.string().nullish(),
    warnings: z
      .array(
        z.object({
          tool: z.string(),
          provider: z.string().default(''),
          code: z.string().default(''),
          message: z.string(),
        }),
      )
      .nullish(),
    annotations: namedAnnotations.nullish(),
  })
  .transform((wire) => ({
    toolkitId: wire.toolkit_id,
    toolkitName: wire.toolkit_name ?? '',
    caption: wire.caption ?? '',
    ...(wire.instructions == null ? {} : { instructions: wire.instructions }),
    provider: wire.provider ?? '',
    tools: wire.tools,
    userPrompt: wire.user_prompt ?? '',
    warnings: wire.warnings ?? [],
    ...(wire.annotations == null ? {} : { annotations: wire.annotations }),
  }))

/** Reads the answer to {@link ContextRequestBody}. */
export const contextResponse: z.ZodType<ToolkitContext> = z
  .object({ type: z.literal('toolkit_context'), payload: toolkitContext })
  .transform((body) => body.payload)

/**
 * Reads the answer to {@link TaskRequestBody}. Founding servers have no typed error: there a result that is exactly
 * `{"error": text}`, or a status of "error", is a failed call with the code `tool_error`.
 */
export const taskResponse: z.ZodType<TaskResponseBody> = z
  .object({
    type: z.literal('task_response'),
    request_id: z.string(),
    status: z.string().nullish(),
    message: z.string().nullish(),
    payload: z.object({ result: z.unknown().optional() }).nullish().catch(null),
    result: z.unknown().optional(),
    error: wireError.nullish(),
  })
  .transform((body, context): TaskResponseBody => {
    const { request_id } = body
    if (body.error) return { request_id, outcome: { ok: false, error: body.error } }
    const found = findResult(body)
    const failed = body.status === 'error'
    const text = failed || body.error === undefined ? errorTextOf(found?.result) : undefined
    if (failed || text !== undefined) {
      const message = text ?? body.message ?? 'The server says that the call failed, and not why'
      return { request_id, outcome: { ok: false, error: { code: 'tool_error', message, retryable: false } } }
    }
    if (found !== undefined) return { request_id, outcome: { ok: true, result: found.result ?? null } }
    context.addIssue({ code: 'custom', path: ['result'], message: 'must hold the result of a tool' })
    return z.NEVER
  })

/** Reads the answer to a {@link TaskRequestBody} with `detach`: the id of the call that was stored. */
export const acceptedResponse: z.ZodType<string> = z
  .object({ type: z.literal('task_accepted'), call_id: z.string().min(1) })
  .transform((body) => body.call_id)

/** What the server tells of a call while it runs, by the name of the event. */
export const callEvents: {
  call: z.ZodType<string>
  progress: z.ZodType<unknown>
  chunk: z.ZodType<{ sequence: number; data: unknown }>
} = {
  call: z.object({ call_id: z.string().min(1) }).transform((event) => event.call_id),
  progress: z.object({ progress: z.unknown() }).transform((event) => event.progress),
  chunk: z.object({ sequence: z.int().nonnegative(), data: z.unknown() }),
}

const ends = ['succeeded', 'failed', 'timed_out', 'cancelled', 'delivery_failed', 'outcome_unknown'] as const

/** Milliseconds since 1970, or ISO 8601. */
const moment = z.union([z.number(), z.string()]).pipe(z.coerce.date())

/** Reads the answer to `GET …/llm/calls/{id}`. An error that is missing is made of the status. */
export const callState: z.ZodType<CallStateBody> = z
  .object({
    call_id: z.string(),
    toolkit_id: z.string().nullish(),
    toolkit: z.string().nullish(),
    tool: z.string(),
    status: z.enum(['running', ...ends]),
    result: z.unknown().optional(),
    error: wireError.nullish(),
    started_at: moment,
    ended_at: moment.nullish(),
  })
  .transform(
    (body): CallStateBody => ({
      callId: body.call_id,
      toolkitId: body.toolkit_id ?? '',
      toolkit: body.toolkit ?? '',
      tool: body.tool,
      status: body.status,
      outcome: readOutcome(body),
      startedAt: body.started_at,
      endedAt: body.ended_at ?? undefined,
    }),
  )

function readOutcome(body: {
  status: CallEnd | 'running'
  result?: unknown
  error?: WireError | null | undefined
}): CallStateBody['outcome'] {
  if (body.status === 'running') return undefined
  if (body.status === 'succeeded') return { ok: true, result: body.result ?? null }
  if (body.error) return { ok: false, error: body.error }
  const message = 'The server says that the call did not succeed, and not why'
  return { ok: false, error: { code: codesByEnd[body.status], message, retryable: false } }
}

const codesByEnd = {
  failed: 'tool_error',
  timed_out: 'deadline_exceeded',
  cancelled: 'cancelled',
  delivery_failed: 'delivery_failed',
  outcome_unknown: 'outcome_unknown',
} as const satisfies Record<Exclude<CallEnd, 'succeeded'>, ErrorCode>

/** Where the SDK from 0.2.1 on looks for it, else where those before do. */
function findResult(body: {
  result?: unknown
  payload?: { result?: unknown } | null | undefined
}): { result: unknown } | undefined {
  if (isJsonObject(body.result) && isJsonObject(body.result.tool)) return { result: body.result.tool.result }
  if (body.payload && Object.hasOwn(body.payload, 'result')) return { result: body.payload.result }
  return undefined
}

/** What a tool's failure looks like on the founding wire: exactly `{"error": text}`. */
function errorTextOf(result: unknown): string | undefined {
  if (!isJsonObject(result) || Object.keys(result).length !== 1 || typeof result.error !== 'string') return undefined
  return result.error
}
