import { isJsonObject, type ServerEvent, ServerEventReader } from '@atp/core/protocol'
import type { GuardedAnswer } from '@atp/egress'
import type { Call } from '../calls/call.ts'
import {
  type EndpointAnswer,
  type EndpointFailure,
  lost,
  maxAnswerBytes,
  parsed,
  reportedError,
  tooLarge,
  toResult,
  unreadable,
} from './endpoint-answer.ts'
import { toolkitError } from './toolkit-error.ts'

/** Reads an answer that is a stream of events: passes on what comes before the outcome, and returns that. */
export async function readEndpointEvents(
  call: Call,
  answer: GuardedAnswer,
  resultBytes: number,
): Promise<EndpointAnswer> {
  const events = new ServerEventReader(maxAnswerBytes(resultBytes))
  const chunks = { sequence: 0 }
  try {
    for (let bytes = await answer.read(); bytes !== undefined; bytes = await answer.read()) {
      let complete: ServerEvent[]
      try {
        complete = events.feed(bytes)
      } catch {
        // An event without an end would fill the memory.
        return tooLarge(resultBytes)
      }
      for (const event of complete) {
        const outcome = takeEvent(call, event, chunks, resultBytes)
        if (outcome !== undefined) return outcome
      }
    }
  } catch (error) {
    return cutOff(lost(call, 'broke off its answer', error), chunks)
  } finally {
    // What comes after the outcome is not read: lets go of its connection.
    answer.discard()
  }
  return cutOff(lost(call, 'ended its answer without an outcome'), chunks)
}

/** A call whose caller has pieces of a result already is not sent again: it would get them twice. */
function cutOff(failure: EndpointFailure, { sequence }: { sequence: number }): EndpointFailure {
  return sequence === 0 ? failure : { ...failure, kind: 'error' }
}

/** The outcome, if the event is it. */
function takeEvent(
  call: Call,
  { name, data }: ServerEvent,
  chunks: { sequence: number },
  resultBytes: number,
): EndpointAnswer | undefined {
  switch (name) {
    case 'progress':
    case 'chunk':
      if (call.stream) passOn(call, name, parsed(data), chunks)
      return undefined
    case 'result': {
      const body = parsed(data)
      const hasResult = isJsonObject(body) && Object.hasOwn(body, 'result')
      return hasResult ? toResult(body.result, data.length, resultBytes) : unreadable(call)
    }
    case 'error': {
      const error = reportedError(parsed(data))
      return error === undefined ? unreadable(call) : { kind: 'error', error: toolkitError(error) }
    }
    default:
      return undefined
  }
}

function passOn(call: Call, name: 'progress' | 'chunk', value: unknown, chunks: { sequence: number }): void {
  // What cannot be read is left out; the outcome is what counts.
  if (value === undefined) return
  if (name === 'progress') call.part({ type: 'progress', progress: value })
  else {
    call.part({ type: 'chunk', sequence: chunks.sequence, data: value })
    chunks.sequence += 1
  }
}
