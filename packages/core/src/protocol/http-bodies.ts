import * as z from 'zod'
import { isErrorCode } from '../errors/codes.ts'
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

/** Body of `POST …/llm-client/process/` that runs a tool; `timeout_ms` is ours. */
export interface TaskRequestBody {
  type: 'task_request'
  request_id: string
  toolkit_id: string
  payload: { function: string; parameters: Record<string, unknown>; auth_token?: string | undefined }
  provider?: string | undefined
  user_prompt?: string | undefined
  timeout_ms?: number | undefined
}

/** What our client reads of a `task_response`: the members that every generation has, and ours. */
export interface TaskResponseBody {
  request_id: string
  outcome: { ok: true; result: unknown } | { ok: false; error: WireError }
}

const looseObject = z.custom<Record<string, unknown>>(isJsonObject, 'must be an object')

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
    error: z
      .object({
        code: z.string(),
        message: z.string(),
        retryable: z.boolean().default(false),
        details: looseObject.optional(),
      })
      .nullish(),
  })
  .transform((body, context): TaskResponseBody => {
    const { request_id } = body
    if (body.error) return { request_id, outcome: { ok: false, error: readError(body.error) } }
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

function readError(
  error: Omit<WireError, 'code' | 'details'> & { code: string; details?: WireError['details'] | undefined },
): WireError {
  return {
    code: isErrorCode(error.code) ? error.code : 'tool_error',
    message: error.message,
    retryable: error.retryable,
    ...(error.details ? { details: error.details } : {}),
  }
}
