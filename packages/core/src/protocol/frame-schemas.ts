import * as z from 'zod'
import { isErrorCode } from '../errors/codes.ts'
import { maxErrorMessageLength, type WireError } from '../errors/to-wire-error.ts'
import type * as frames from './frames.ts'
import { isJsonObject } from './json.ts'
import { isAppName, maxCaptionLength, maxInstructionsLength } from './names.ts'

/*
 * One schema per frame type: what travels in, the camelCase message out. Unknown members are ignored everywhere.
 * Records of any JSON are checked for being objects and passed on as they are; copying them costs more than the rest.
 */

const requestId = z.string().min(1).max(128)
const jsonRecord = z.custom<Record<string, unknown>>(isJsonObject, 'must be an object')
const capabilities = z.array(z.string().max(64)).max(64)
const meta = jsonRecord.nullish()
// What is null is made undefined with the whole frame: a transformation of each member costs more than its check.
const text = (max: number) => z.string().max(max).nullish()
const leaseId = text(128)
const flag = z.boolean().nullish()
const requestIds = z.array(requestId).max(4_096)
/** Every call a toolkit may run, and every result it may keep: the frame cannot be sent in parts. */
const survivors = z.array(requestId).max(65_536 + 1_024)

const appEvent = z
  .object({
    session_id: z.string().min(1).max(128),
    event: z.enum(['start', 'action', 'close']),
    data: z.unknown().optional(),
  })
  .nullish()

function toAppEvent(wire: z.infer<typeof appEvent>): frames.AppEvent | undefined {
  if (!wire) return undefined
  const { session_id: sessionId, event, data } = wire
  return { sessionId, event, ...(data === undefined ? {} : { data }) }
}

const wireError: z.ZodType<WireError> = z
  .object({
    code: z.string().max(64),
    message: z.string(),
    retryable: z.boolean().nullish(),
    details: jsonRecord.nullish(),
  })
  .transform(({ code, message, retryable, details }) => ({
    // A code of a newer peer is still a failure of that call.
    code: isErrorCode(code) ? code : 'tool_error',
    message: message.slice(0, maxErrorMessageLength),
    retryable: retryable ?? false,
    ...(details ? { details } : {}),
  }))

export const hello: z.ZodType<frames.HelloFrame> = z
  .object({
    type: z.literal('hello'),
    protocol: z.literal(2),
    capabilities: capabilities.default([]),
    instance_id: z.string().min(1).max(128),
    app_name: z.string().refine(isAppName, 'must be 1 to 128 characters without control characters').nullish(),
    max_concurrency: z.int().min(1).max(65_536).nullish(),
    api_key: text(256),
  })
  .transform((frame) => ({
    type: frame.type,
    protocol: frame.protocol,
    capabilities: frame.capabilities,
    instanceId: frame.instance_id,
    appName: frame.app_name ?? undefined,
    maxConcurrency: frame.max_concurrency ?? undefined,
    apiKey: frame.api_key ?? undefined,
  }))

export const welcome: z.ZodType<frames.WelcomeFrame> = z
  .object({
    type: z.literal('welcome'),
    protocol: z.literal(2),
    capabilities: capabilities.default([]),
    toolkit_id: text(128),
    toolkit_hash: text(128),
    limits: z.object({
      max_frame_bytes: z.int().positive(),
      max_result_bytes: z.int().positive(),
      max_in_flight: z.int().positive(),
    }),
    heartbeat_ms: z.int().positive(),
  })
  .transform((frame) => ({
    type: frame.type,
    protocol: frame.protocol,
    capabilities: frame.capabilities,
    toolkitId: frame.toolkit_id ?? undefined,
    toolkitHash: frame.toolkit_hash ?? undefined,
    limits: {
      maxFrameBytes: frame.limits.max_frame_bytes,
      maxResultBytes: frame.limits.max_result_bytes,
      maxInFlight: frame.limits.max_in_flight,
    },
    heartbeatMs: frame.heartbeat_ms,
  }))

export const register: z.ZodType<frames.RegisterFrame> = z
  .object({
    type: z.literal('register'),
    request_id: requestId,
    toolkit_hash: z.string().min(1).max(128),
    caption: text(maxCaptionLength),
    instructions: text(maxInstructionsLength),
    endpoint_url: z.string().max(2_048).nullish(),
    tools: z.array(z.unknown()).max(5_000).nullish(),
  })
  .transform((frame) => ({
    type: frame.type,
    requestId: frame.request_id,
    toolkitHash: frame.toolkit_hash,
    caption: frame.caption ?? undefined,
    instructions: frame.instructions ?? undefined,
    endpointUrl: frame.endpoint_url,
    tools: frame.tools ?? undefined,
  }))

export const registered: z.ZodType<frames.RegisteredFrame> = z
  .object({
    type: z.literal('registered'),
    request_id: requestId,
    toolkit_id: z.string(),
    tools: z.array(z.string()),
    rejected: z.array(z.object({ name: z.string(), code: z.string(), message: z.string() })).default([]),
    resend: z.boolean().default(false),
  })
  .transform((frame) => ({
    type: frame.type,
    requestId: frame.request_id,
    toolkitId: frame.toolkit_id,
    tools: frame.tools,
    rejected: frame.rejected,
    resend: frame.resend,
  }))

export const unregister: z.ZodType<frames.UnregisterFrame> = z
  .object({
    type: z.literal('unregister'),
    request_id: requestId,
    toolkit_hash: z.string().min(1).max(128),
    tools: z.array(z.string().max(128)).max(5_000),
  })
  .transform((frame) => ({
    type: frame.type,
    requestId: frame.request_id,
    toolkitHash: frame.toolkit_hash,
    tools: frame.tools,
  }))

export const toolkitCall: z.ZodType<frames.ToolkitCallFrame> = z
  .object({
    type: z.literal('call'),
    request_id: requestId,
    tool: z.string().max(128),
    params: jsonRecord,
    deadline_ms: z.number().nonnegative(),
    auth_token: text(65_536),
    stream: flag,
    lease_id: leaseId,
    lease_ms: z.number().positive().nullish(),
    app: appEvent,
    _meta: meta,
  })
  .transform((frame) => ({
    type: frame.type,
    requestId: frame.request_id,
    tool: frame.tool,
    params: frame.params,
    deadlineMs: frame.deadline_ms,
    authToken: frame.auth_token ?? undefined,
    stream: frame.stream ?? undefined,
    leaseId: frame.lease_id ?? undefined,
    leaseMs: frame.lease_ms ?? undefined,
    app: toAppEvent(frame.app),
    meta: frame._meta ?? undefined,
  }))

export const llmCall: z.ZodType<frames.LlmCallFrame> = z
  .object({
    type: z.literal('call'),
    request_id: requestId,
    toolkit_id: z.string().min(1).max(512),
    tool: z.string().max(256),
    params: jsonRecord,
    auth_token: text(65_536),
    timeout_ms: z.number().positive().nullish(),
    provider: text(64),
    stream: flag,
    idempotency_key: z.string().min(1).max(255).nullish(),
    external_user_id: text(512),
    detach: flag,
    app: appEvent,
    _meta: meta,
  })
  .transform((frame) => ({
    type: frame.type,
    requestId: frame.request_id,
    toolkitId: frame.toolkit_id,
    tool: frame.tool,
    params: frame.params,
    authToken: frame.auth_token ?? undefined,
    timeoutMs: frame.timeout_ms ?? undefined,
    provider: frame.provider ?? undefined,
    stream: frame.stream ?? undefined,
    idempotencyKey: frame.idempotency_key ?? undefined,
    externalUserId: frame.external_user_id ?? undefined,
    detach: frame.detach ?? undefined,
    app: toAppEvent(frame.app),
    meta: frame._meta ?? undefined,
  }))

export const ack: z.ZodType<frames.AckFrame> = z
  .object({ type: z.literal('ack'), request_id: requestId, lease_id: leaseId })
  .transform((frame) => ({ type: frame.type, requestId: frame.request_id, leaseId: frame.lease_id ?? undefined }))

export const acked: z.ZodType<frames.AckedFrame> = z
  .object({ type: z.literal('acked'), request_id: requestId, lease_id: z.string().min(1).max(128) })
  .transform((frame) => ({ type: frame.type, requestId: frame.request_id, leaseId: frame.lease_id }))

export const accepted: z.ZodType<frames.AcceptedFrame> = z
  .object({ type: z.literal('accepted'), request_id: requestId, call_id: z.string().min(1).max(128) })
  .transform((frame) => ({ type: frame.type, requestId: frame.request_id, callId: frame.call_id }))

export const received: z.ZodType<frames.ReceivedFrame> = z
  .object({ type: z.literal('received'), request_ids: requestIds })
  .transform((frame) => ({ type: frame.type, requestIds: frame.request_ids }))

export const running: z.ZodType<frames.RunningFrame> = z
  .object({ type: z.literal('running'), request_ids: survivors, complete: flag })
  .transform((frame) => ({ type: frame.type, requestIds: frame.request_ids, complete: frame.complete ?? undefined }))

export const progress: z.ZodType<frames.ProgressFrame> = z
  .object({ type: z.literal('progress'), request_id: requestId, lease_id: leaseId, progress: z.unknown() })
  .transform((frame) => ({
    type: frame.type,
    requestId: frame.request_id,
    leaseId: frame.lease_id ?? undefined,
    progress: frame.progress,
  }))

export const chunk: z.ZodType<frames.ChunkFrame> = z
  .object({
    type: z.literal('chunk'),
    request_id: requestId,
    lease_id: leaseId,
    sequence: z.int().nonnegative(),
    data: z.unknown(),
  })
  .transform((frame) => ({
    type: frame.type,
    requestId: frame.request_id,
    leaseId: frame.lease_id ?? undefined,
    sequence: frame.sequence,
    data: frame.data,
  }))

export const result: z.ZodType<frames.ResultFrame> = z
  .object({
    type: z.literal('result'),
    request_id: requestId,
    call_id: text(128),
    lease_id: leaseId,
    ok: z.boolean(),
    result: z.unknown().optional(),
    error: wireError.nullish(),
  })
  .transform((frame, context): frames.ResultFrame => {
    const { request_id: requestId } = frame
    const callId = frame.call_id ?? undefined
    const leaseId = frame.lease_id ?? undefined
    if (frame.ok) return { type: 'result', requestId, callId, leaseId, ok: true, result: frame.result ?? null }
    if (frame.error) return { type: 'result', requestId, callId, leaseId, ok: false, error: frame.error }
    context.addIssue({ code: 'custom', path: ['error'], message: 'must be there when ok is false' })
    return z.NEVER
  })

export const cancel: z.ZodType<frames.CancelFrame> = z
  .object({ type: z.literal('cancel'), request_id: requestId, reason: text(2_000) })
  .transform((frame) => ({ type: frame.type, requestId: frame.request_id, reason: frame.reason ?? undefined }))

export const drain: z.ZodType<frames.DrainFrame> = z
  .object({ type: z.literal('drain'), deadline_ms: z.number().nonnegative() })
  .transform((frame) => ({ type: frame.type, deadlineMs: frame.deadline_ms }))

export const contextRequest: z.ZodType<frames.ContextRequestFrame> = z
  .object({
    type: z.literal('context'),
    request_id: requestId,
    toolkit_id: z.string().min(1).max(512),
    provider: text(64),
    user_prompt: text(1024 * 1024),
  })
  .transform((frame) => ({
    type: frame.type,
    requestId: frame.request_id,
    toolkitId: frame.toolkit_id,
    provider: frame.provider ?? undefined,
    userPrompt: frame.user_prompt ?? undefined,
  }))

export const context: z.ZodType<frames.ContextFrame> = z
  .object({ type: z.literal('context'), request_id: requestId, context: jsonRecord })
  .transform((frame) => ({ type: frame.type, requestId: frame.request_id, context: frame.context }))

export const error: z.ZodType<frames.ErrorFrame> = z
  .object({ type: z.literal('error'), request_id: z.string().max(128).nullish(), error: wireError })
  .transform((frame) => ({ type: frame.type, requestId: frame.request_id ?? undefined, error: frame.error }))
