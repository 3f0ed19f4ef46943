import { type AtpError, isAtpError } from '../errors/atp-error.ts'
import { maxTimeoutMs } from '../tool/define-tool.ts'
import type { BackoffOptions } from '../transport/backoff.ts'
import type { DoorCall, LlmDoor } from './llm-door.ts'
import { delayBefore, pause } from './patience.ts'

/** How often a call is sent again because its connection was lost. */
const maxRetries = 2

/**
 * Sends calls that have an idempotency key again when their connection was lost, within their time. A call without a
 * key is never sent twice: nobody knows whether the first one ran.
 */
export function createRetryingLlmDoor(door: LlmDoor, backoff: BackoffOptions): LlmDoor {
  let closing = new AbortController()
  /** Whether the server is known to run the calls of one key once. A founding one would run each. */
  let isSafe = false

  async function send<T>(call: DoorCall, attempt: (call: DoorCall) => Promise<T>): Promise<T> {
    const { signal } = call
    const closed = closing.signal
    const deadline = performance.now() + (call.timeoutMs ?? maxTimeoutMs)
    let losses = 0
    let last: AtpError | undefined
    for (let tries = 0; ; tries += 1) {
      try {
        if (last && !isSafe) isSafe = await door.keepsKeys(signal)
        if (last && !isSafe) break
        return await attempt(last ? within(call, deadline) : call)
      } catch (error) {
        if (!isAtpError(error)) throw error
        if (lossCodes.has(error.code)) losses += 1
        // The call that was lost still runs: its answer is the answer of this one.
        else if (losses === 0 || error.code !== 'idempotency_in_progress') throw error
        const delayMs = delayBefore(tries, error, backoff)
        if (losses > maxRetries || performance.now() + delayMs >= deadline) throw error
        await pause(delayMs, { signal, closed })
        last = error
      }
    }
    throw last
  }

  return {
    context: (request) => door.context(request),
    call: (call) => (call.idempotencyKey === undefined ? door.call(call) : send(call, (each) => door.call(each))),
    detach: (call) => (call.idempotencyKey === undefined ? door.detach(call) : send(call, (each) => door.detach(each))),
    keepsKeys: (signal) => door.keepsKeys(signal),
    async close() {
      closing.abort()
      closing = new AbortController()
      await door.close()
    },
  }
}

const lossCodes = new Set<AtpError['code']>(['connection_closed', 'connection_failed'])

/** The same call with the time that is left of it. */
function within(call: DoorCall, deadline: number): DoorCall {
  if (call.timeoutMs === undefined) return call
  return { ...call, timeoutMs: Math.max(1, Math.round(deadline - performance.now())) }
}
