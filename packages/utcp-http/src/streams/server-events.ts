import { isAtpError } from '@atp/core'
import { isUtcpError, UtcpError } from '@atp/utcp'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { pause } from '../deadline.ts'
import { mediaTypeOf } from '../response/media-type.ts'
import { bodyChunks } from '../response/read-body.ts'
import type { Answer } from '../send-request.ts'

/** The most characters of an event that is not complete yet. */
export const maxPartialEvent: number = 16 * 1024 * 1024

/** How often a stream that broke off is asked for again before it gives an event. */
const maxTries = 5

/** The longest wait before that, in milliseconds, whatever a server asks for. */
const maxDelayMs = 60_000

/** How a stream of events is read. */
export interface EventStreamOptions {
  /** Asks for the stream, after the event of that id (`''`: from the beginning). */
  readonly connect: (lastEventId: string) => Promise<Answer>
  /** Whether a stream that broke off is asked for again. */
  readonly reconnect: boolean
  /** The wait before that, in milliseconds, until the server says another. */
  readonly retryMs: number
  /** The most characters of one event. */
  readonly maxEventLength: number
  readonly signal: AbortSignal
  /** Called before each wait, with what the stream broke off by. */
  readonly onReconnect: (attempt: number, error: unknown) => void
}

/**
 * Reads server-sent events as browsers do (HTML, 9.2.6): lines end by CR, LF or both, an event at the end that lacks its
 * empty line is dropped, ids and waits are remembered. The first connection must work. A stream that breaks off is asked
 * for again; one that ends is over.
 * @throws UtcpError `invalid_response` for another type, `response_too_large` for an endless event
 */
export async function* serverEvents(options: EventStreamOptions): AsyncGenerator<EventSourceMessage, void, undefined> {
  const state: StreamState = { lastEventId: '', retryMs: options.retryMs, tries: 0 }
  let answer = checkType(await options.connect(''))
  for (;;) {
    try {
      for await (const event of eventsOf(answer, state, options.maxEventLength)) {
        state.tries = 0
        yield event
      }
      return
    } catch (error) {
      answer = await reconnected(options, state, error)
    }
  }
}

/** What is remembered from one connection to the next. */
interface StreamState {
  lastEventId: string
  retryMs: number
  /** How often the stream was asked for again since the last event. */
  tries: number
}

/** Asks for the stream again, or throws why it broke off. */
async function reconnected(options: EventStreamOptions, state: StreamState, cause: unknown): Promise<Answer> {
  const { signal, reconnect, connect, onReconnect } = options
  let error = cause
  while (reconnect && !signal.aborted && state.tries < maxTries && mayWorkAgain(error)) {
    state.tries += 1
    onReconnect(state.tries, error)
    await pause(Math.min(maxDelayMs, state.retryMs), signal)
    try {
      return checkType(await connect(state.lastEventId))
    } catch (failure) {
      error = failure
    }
  }
  throw error
}

async function* eventsOf(
  { response, what }: Answer,
  state: StreamState,
  maxLength: number,
): AsyncGenerator<EventSourceMessage, void, undefined> {
  const complete: EventSourceMessage[] = []
  let isTooLong = false
  const parser = createParser({
    maxBufferSize: maxLength,
    onEvent: (event) => complete.push(event),
    onId: (id) => {
      state.lastEventId = id
    },
    onRetry: (ms) => {
      state.retryMs = ms
    },
    onError: ({ type }) => {
      if (type === 'max-buffer-size-exceeded') isTooLong = true
    },
  })
  const decoder = new TextDecoder()
  for await (const chunk of bodyChunks(response)) {
    parser.feed(decoder.decode(chunk, { stream: true }))
    yield* complete.splice(0)
    if (isTooLong)
      throw new UtcpError('response_too_large', `${what} sent an event of more than ${maxLength} characters`)
  }
}

function checkType(answer: Answer): Answer {
  const { response, what } = answer
  const type = mediaTypeOf(response.header('content-type'))
  if (type === 'text/event-stream' || response.status === 204) return answer
  response.discard()
  const shown = type === '' ? 'no type' : type.slice(0, 100)
  throw new UtcpError('invalid_response', `${what} answered ${shown} where text/event-stream was asked for`)
}

function mayWorkAgain(error: unknown): boolean {
  return (isUtcpError(error) || isAtpError(error)) && error.retryable
}
