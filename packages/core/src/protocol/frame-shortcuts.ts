import type { LlmCallFrame, ResultFrame, ToolkitCallFrame } from './frames.ts'
import { isJsonObject } from './json.ts'

/*
 * Calls and results in their usual form, read by hand: a schema costs as much for each member that is missing as for one
 * that is there. Undefined means that the schema decides, also on what is wrong; what is read here is what it would read.
 */

type Wire = Readonly<Record<string, unknown>>

/** Reads a call on its way to a toolkit that has neither lease nor app. */
export function readToolkitCall(wire: Wire): ToolkitCallFrame | undefined {
  const { request_id: requestId, tool, params, deadline_ms: deadlineMs, auth_token: authToken, stream, _meta } = wire
  if (wire.lease_id !== undefined || wire.lease_ms !== undefined || wire.app !== undefined) return undefined
  if (!isText(requestId, 1, 128) || !isText(tool, 0, 128) || !isJsonObject(params)) return undefined
  if (!isNumber(deadlineMs) || deadlineMs < 0) return undefined
  if (!isTextIfAny(authToken, 65_536) || !isFlagIfAny(stream) || !isObjectIfAny(_meta)) return undefined
  return {
    type: 'call',
    requestId,
    tool,
    params,
    deadlineMs,
    authToken,
    stream,
    leaseId: undefined,
    leaseMs: undefined,
    app: undefined,
    meta: _meta,
  }
}

/** Reads a call of an LLM client that is not to be stored and has no app. */
export function readLlmCall(wire: Wire): LlmCallFrame | undefined {
  const { request_id: requestId, toolkit_id: toolkitId, tool, params, auth_token: authToken } = wire
  const { timeout_ms: timeoutMs, provider, stream, _meta } = wire
  if (wire.idempotency_key !== undefined || wire.external_user_id !== undefined) return undefined
  if (wire.detach !== undefined || wire.app !== undefined) return undefined
  if (!isText(requestId, 1, 128) || !isText(toolkitId, 1, 512) || !isText(tool, 0, 256)) return undefined
  if (!isJsonObject(params) || !isTextIfAny(authToken, 65_536) || !isTextIfAny(provider, 64)) return undefined
  if (timeoutMs !== undefined && (!isNumber(timeoutMs) || timeoutMs <= 0)) return undefined
  if (!isFlagIfAny(stream) || !isObjectIfAny(_meta)) return undefined
  return {
    type: 'call',
    requestId,
    toolkitId,
    tool,
    params,
    authToken,
    timeoutMs,
    provider,
    stream,
    idempotencyKey: undefined,
    externalUserId: undefined,
    detach: undefined,
    app: undefined,
    meta: _meta,
  }
}

/** Reads a successful result. */
export function readResult(wire: Wire): ResultFrame | undefined {
  const { request_id: requestId, call_id: callId, lease_id: leaseId, ok, result } = wire
  if (ok !== true || wire.error !== undefined) return undefined
  if (!isText(requestId, 1, 128) || !isTextIfAny(callId, 128) || !isTextIfAny(leaseId, 128)) return undefined
  return { type: 'result', requestId, callId, leaseId, ok: true, result: result ?? null }
}

function isText(value: unknown, min: number, max: number): value is string {
  return typeof value === 'string' && value.length >= min && value.length <= max
}

function isTextIfAny(value: unknown, max: number): value is string | undefined {
  return value === undefined || isText(value, 0, max)
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value)
}

function isFlagIfAny(value: unknown): value is boolean | undefined {
  return value === undefined || typeof value === 'boolean'
}

function isObjectIfAny(value: unknown): value is Record<string, unknown> | undefined {
  return value === undefined || isJsonObject(value)
}
