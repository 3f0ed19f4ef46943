import { createHash } from 'node:crypto'
import { AtpError } from '@atp/core'
import { stableJson } from '@atp/core/protocol'
import type { IdempotencyClaim } from '../store/durable-store.ts'
import type { Call } from './call.ts'
import type { CallRequest } from './call-request.ts'
import { steadyNow } from './steady-clock.ts'

/** The longest idempotency key, in characters (rule X4). */
const maxKeyLength = 255

/**
 * What makes a call the same as another one: its key within the key and user that made it, and what it asks for.
 * Undefined for a call without an idempotency key.
 * @param keepMs how long the answer may be asked for again, unless the request says it
 * @throws AtpError `invalid_request`
 */
export function claimOf(call: Call, request: CallRequest, keepMs: number): IdempotencyClaim | undefined {
  const { idempotencyKey: key, externalUserId = '' } = request
  if (key === undefined) return undefined
  if (key === '' || key.length > maxKeyLength) {
    throw new AtpError('invalid_request', `An idempotency key has 1 to ${maxKeyLength} characters`)
  }
  return {
    // Of users nothing is kept but whether they are the same.
    externalUserId: externalUserId === '' ? '' : sha256(externalUserId),
    keyHash: sha256(key),
    fingerprint: sha256(stableJson([call.toolkit.id, call.tool.name, call.params, call.app ?? null])),
    expiresAt: steadyNow() + (request.claimMs ?? keepMs),
  }
}

/** The same key for something else. */
export function mismatchError(): AtpError {
  return new AtpError(
    'idempotency_mismatch',
    'This idempotency key was used for another tool or other parameters; use a new one for each new call',
  )
}

/** The same call, which is under way. */
export function inProgressError(callId: string): AtpError {
  return new AtpError('idempotency_in_progress', 'A call with this idempotency key is under way', {
    details: { call_id: callId },
  })
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
