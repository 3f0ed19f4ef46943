import { toWireError } from '../errors/to-wire-error.ts'
import type { Logger } from '../logging/logger.ts'
import { startSpan } from '../tracing/start-span.ts'
import type { Tracing } from '../tracing/tracing.ts'
import type { DoorCall, LlmDoor } from './llm-door.ts'

/**
 * Makes a span of each call that goes through a door, and sends its context along. That of a call with `detach` ends
 * once the call is stored.
 */
export function createTracedLlmDoor(door: LlmDoor, tracing: Tracing, logger: Logger | undefined): LlmDoor {
  async function traced<T>(call: DoorCall, send: (call: DoorCall) => Promise<T>): Promise<T> {
    const { tool, toolkitId: toolkit } = call
    const span = startSpan(tracing, { place: 'caller', tool, toolkit, callId: undefined, meta: undefined }, logger)
    try {
      const answer = await span.run(() => send({ ...call, meta: span.meta }))
      span.end()
      return answer
    } catch (error) {
      span.end(toWireError(error))
      throw error
    }
  }

  return {
    context: (request) => door.context(request),
    call: (call) => traced(call, (each) => door.call(each)),
    detach: (call) => traced(call, (each) => door.detach(each)),
    keepsKeys: (signal) => door.keepsKeys(signal),
    close: () => door.close(),
  }
}
