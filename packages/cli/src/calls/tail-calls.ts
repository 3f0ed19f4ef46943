import { setTimeout as sleep } from 'node:timers/promises'
import { type AtpError, isAtpError } from '@atp/core'
import type { CliIo } from '../cli-io.ts'
import type { Output } from '../output.ts'
import type { CallTail, WireCall } from './call-bodies.ts'
import type { CallsClient, Query } from './calls-client.ts'

/** What {@link tailCalls} follows, and where it tells of it. */
export interface TailOptions {
  calls: Pick<CallsClient, 'tail'>
  filter: Query
  /** Where the server is, for messages. */
  baseUrl: string
  show: (call: WireCall) => void
  /** Gets what is not a call. */
  note: Output['note']
  io: Pick<CliIo, 'onInterrupt' | 'stdout'>
  /** The first pause before the server is asked again after it was lost, in milliseconds. @default 500 */
  retryMs?: number
}

/** How long the server may hold a request, in milliseconds; the client itself waits 30 s. */
const waitMs = 20_000
/** A busy server is asked less often than calls end, and tells of several at once. */
const pauseMs = 100
const maxRetryMs = 5_000

/**
 * Shows calls as they end, until Ctrl-C or until nobody reads any more. A server that goes away is waited for.
 * @throws AtpError when it cannot be reached at first, or refuses
 */
export async function tailCalls(options: TailOptions): Promise<void> {
  const { io } = options
  const end = new AbortController()
  const release = io.onInterrupt(() => end.abort())
  try {
    await follow(options, end.signal)
  } catch (error) {
    if (!end.signal.aborted) throw error
  } finally {
    release()
  }
}

async function follow(
  { calls, filter, baseUrl, show, note, io, retryMs = 500 }: TailOptions,
  signal: AbortSignal,
): Promise<void> {
  // Tells at once whether there is such a server, key and toolkit.
  let { cursor } = await calls.tail(filter, signal)
  for (let lost = 0; ; ) {
    let answer: CallTail
    try {
      answer = await calls.tail({ ...filter, cursor, wait_ms: String(waitMs) }, signal)
    } catch (error) {
      if (!mayComeBack(error)) throw error
      if (lost === 0) note(`Lost the server at ${baseUrl} (${reasonOf(error)}). Trying again; Ctrl-C ends this.`)
      await sleep(Math.min(maxRetryMs, retryMs * 2 ** lost), undefined, { signal })
      lost = Math.min(lost + 1, 10)
      continue
    }
    if (lost > 0) note(`Connected to ${baseUrl} again.`)
    if (answer.gap) note('Calls may have ended that are not shown here; "atp calls list" shows all.')
    lost = 0
    cursor = answer.cursor
    for (const call of answer.calls) show(call)
    // Such as in `atp calls tail | head`.
    if (io.stdout.writable === false) return
    if (answer.calls.length > 0) await sleep(pauseMs, undefined, { signal })
  }
}

/** What a proxy says in place of a server that restarts is no answer of ours. */
function mayComeBack(error: unknown): error is AtpError {
  return isAtpError(error) && (error.retryable || error.code === 'connection_failed' || error.code === 'protocol_error')
}

/** Without what can be done about it, which was done: the server was there. */
function reasonOf({ code, message }: AtpError): string {
  const [sentence = message] = message.split(/\. (?=[A-Z])/, 1)
  // Before the colon stands the address, which is said already.
  return code === 'connection_failed' ? (sentence.split(': ').at(-1) ?? sentence) : sentence
}
