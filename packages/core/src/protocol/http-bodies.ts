import * as z from 'zod'
import { isErrorCode } from '../errors/codes.ts'
import type { WireError } from '../errors/to-wire-error.ts'
import { isJsonObject } from './json.ts'

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
  /** Tools left out or changed for this provider, and why. */
  warnings: { tool: string; message: string }[]
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
  /** The tool's result, or `{"error": text}`. */
  result: unknown
  /** Present when the call failed on a server of ours: the same failure, typed. */
  error?: WireError | undefined
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
    warnings: z.array(z.object({ tool: z.string(), message: z.string() })).nullish(),
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
  }))

/** Reads the answer to {@link ContextRequestBody}. */
export const contextResponse: z.ZodType<ToolkitContext> = z
  .object({ type: z.literal('toolkit_context'), payload: toolkitContext })
  .transform((body) => body.payload)

/** Reads the answer to {@link TaskRequestBody}. */
export const taskResponse: z.ZodType<TaskResponseBody> = z
  .object({
    type: z.literal('task_response'),
    request_id: z.string(),
    result: z.object({ tool: z.object({ result: z.unknown().optional() }) }),
    error: z
      .object({
        code: z.string(),
        message: z.string(),
        retryable: z.boolean().default(false),
        details: looseObject.optional(),
      })
      .nullish(),
  })
  .transform((body): TaskResponseBody => {
    const { error } = body
    return {
      request_id: body.request_id,
      result: body.result.tool.result ?? null,
      ...(error == null
        ? {}
        : {
            error: {
              code: isErrorCode(error.code) ? error.code : 'tool_error',
              message: error.message,
              retryable: error.retryable,
              ...(error.details ? { details: error.details } : {}),
            },
          }),
    }
  })
