import { Readable } from 'node:stream'
import { AtpError } from '@atp/core'
import type { Agent } from 'undici'
import { AnswerIntake } from './answer-intake.ts'
import { CallClock } from './call-clock.ts'
import { type EgressRule, egressRefused, errorCode, upstreamFailed, upstreamTimeout } from './egress-error.ts'
import { maxRedirects } from './egress-options.ts'
import { closedPolicy, type EgressPolicy } from './egress-policy.ts'
import { IncomingAnswer } from './guarded-answer.ts'
import { type OutgoingRequest, openingOfUrl, shownUrl } from './outgoing-request.ts'
import { nextHop, redirectLocation } from './redirect.ts'

/** What all requests of one guard share. */
export interface Guard {
  readonly policy: EgressPolicy
  readonly agent: Agent
  /** For hops that a public origin sends somewhere: it has no connection to what is open to direct requests only. */
  readonly closedAgent: Agent
  /** The rule that forbids redirects where they are not followed. */
  readonly redirectRule: EgressRule
  readonly totalTimeoutMs: number
  readonly maxResponseBytes: number
}

/** How one request is sent. */
export interface ExchangeOptions {
  readonly redirect: RequestRedirect
  readonly signal: AbortSignal | null | undefined
  /** Names of headers that no other origin may see. */
  readonly secretHeaders: readonly string[]
}

/** Sends a request, and what redirects make of it, under the rules of a guard. Throws as the guarded fetch does. */
export async function exchange(
  guard: Guard,
  request: OutgoingRequest,
  { redirect, signal, secretHeaders }: ExchangeOptions,
): Promise<IncomingAnswer> {
  const { policy, totalTimeoutMs, maxResponseBytes } = guard
  const clock = new CallClock(signal, totalTimeoutMs, () =>
    upstreamTimeout(shownUrl(request.url), 'was not done', totalTimeoutMs),
  )
  const caller = { url: request.url, secretHeaders }
  let hop = request
  let intake: AnswerIntake | undefined
  let isClosed = false
  const stop = (): void => intake?.abort(new Error('The call is over'))
  const toError = (error: unknown): unknown => (clock.isOver ? clock.reason : sendError(hop, error))
  try {
    for (let redirects = 0; ; redirects += 1) {
      clock.tell(stop)
      const opening = openingOfUrl(hop.url, isClosed ? closedPolicy : policy)
      intake = new AnswerIntake()
      const head = await intake.send(isClosed ? guard.closedAgent : guard.agent, hop)
      const location = redirectLocation(head.status, head.headers.location)
      if (location === undefined || redirect === 'manual') {
        return new IncomingAnswer(head, intake, {
          ...{ method: hop.method, url: hop.url, redirected: redirects > 0, maxResponseBytes },
          ...{ shown: shownUrl(hop.url), toError, check: () => clock.check(), onEnd: () => clock.stop() },
        })
      }
      stop()
      if (redirect === 'error') {
        throw egressRefused(guard.redirectRule, shownUrl(hop.url), 'it redirects, which is not followed')
      }
      if (redirects === maxRedirects) {
        throw egressRefused('E5', shownUrl(hop.url), `it is the end of ${maxRedirects} redirects and redirects again`)
      }
      isClosed ||= opening === 'public'
      hop = nextHop(hop, head.status, location, caller)
    }
  } catch (error) {
    clock.stop()
    stop()
    // The connection lets go of what it was given; this may not have come to one.
    if (request.body instanceof Readable) request.body.on('error', () => {}).destroy()
    throw toError(error)
  }
}

/** What the caller gets for whatever broke a request or its answer. */
function sendError({ url, method }: OutgoingRequest, error: unknown): AtpError {
  const code = errorCode(error)
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') {
    return new AtpError('client_stopped', 'The guarded fetch was closed before the answer was complete')
  }
  // The target may have done its work; only for these is it certain that doing it again changes nothing.
  const retryable = method === 'GET' || method === 'HEAD'
  return upstreamFailed(shownUrl(url), 'failed before its answer was complete', error, retryable)
}
