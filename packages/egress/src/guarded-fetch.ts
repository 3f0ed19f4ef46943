import { Readable } from 'node:stream'
import { AtpError } from '@atp/core'
import type { Agent } from 'undici'
import { startCallClock } from './call-clock.ts'
import { type EgressRule, egressRefused, errorCode, upstreamFailed, upstreamTimeout } from './egress-error.ts'
import { type EgressOptions, egressDefaults, maxRedirects, readLimit } from './egress-options.ts'
import { closedPolicy, readPolicy } from './egress-policy.ts'
import { createGuardedAgent } from './guarded-agent.ts'
import { systemLookup } from './guarded-lookup.ts'
import { discard, type IncomingAnswer, toResponse } from './incoming-response.ts'
import { type OutgoingRequest, openingOfUrl, readRequest, shownUrl } from './outgoing-request.ts'
import { nextHop, redirectLocation } from './redirect.ts'

/** What a guarded fetch may reach, and what it takes. */
export interface GuardedFetchOptions extends EgressOptions {
  /** The most bytes of one body, counted after decompression. @default 5 MiB */
  maxResponseBytes?: number
  /**
   * `error` follows no redirect, whatever a request asks for: an answer that is one throws `egress_refused`.
   * @default 'follow'
   */
  redirect?: 'follow' | 'error'
  /** Names of headers that carry credentials and do not look like it; they never reach another origin. */
  secretHeaders?: readonly string[]
}

/** What one request says. Members of `RequestInit` that only a browser has a use for are ignored. */
export interface GuardedFetchInit extends RequestInit {
  /** More names of headers, for this request. */
  secretHeaders?: readonly string[]
  /** Sends a body with GET, too, which fetch does not: some APIs ask for it. @default false */
  allowGetBody?: boolean
}

/**
 * Used like `fetch`, and assignable to its type. Throws an `AtpError`: `egress_refused`, `upstream_timeout`,
 * `upstream_failed`, or `invalid_request` for what cannot be sent; and the signal's reason when that aborts.
 */
export interface GuardedFetch extends AsyncDisposable {
  (input: string | URL | Request, init?: GuardedFetchInit): Promise<Response>
  /** Ends all connections; requests that run fail with `client_stopped`. */
  close(): Promise<void>
}

/** Makes a fetch that reaches public https targets only, and what the operator opened. Throws `invalid_config`. */
export function createGuardedFetch(options: GuardedFetchOptions = {}): GuardedFetch {
  return createFetch(options, 'E5')
}

/**
 * Makes the fetch for token, revocation and discovery URLs (rule O10): it follows no redirect, takes at most 10 s and
 * 1 MiB. Throws `invalid_config`.
 */
export function createOauthFetch(options: EgressOptions = {}): GuardedFetch {
  const limits = { totalTimeoutMs: options.totalTimeoutMs ?? 10_000, maxResponseBytes: 1024 * 1024 }
  return createFetch({ ...options, ...limits, redirect: 'error' }, 'O10')
}

function createFetch(options: GuardedFetchOptions, redirectRule: EgressRule): GuardedFetch {
  const { lookup = systemLookup, ca, secretHeaders = [], redirect: always = 'follow' } = options
  const connectTimeoutMs = readLimit('connectTimeoutMs', options.connectTimeoutMs, egressDefaults.connectTimeoutMs)
  const totalTimeoutMs = readLimit('totalTimeoutMs', options.totalTimeoutMs, egressDefaults.totalTimeoutMs)
  const maxResponseBytes = readLimit('maxResponseBytes', options.maxResponseBytes, egressDefaults.maxResponseBytes)
  const policy = readPolicy(options)
  const socketOptions = { lookup, connectTimeoutMs, ca, alpn: ['http/1.1'] }
  const agent = createGuardedAgent(policy, socketOptions)
  // A public origin must not send anybody to what is open to direct requests only, nor reuse a connection to it.
  const closedAgent = createGuardedAgent(closedPolicy, socketOptions)

  async function guardedFetch(input: string | URL | Request, init: GuardedFetchInit = {}): Promise<Response> {
    const request = await readRequest(input, init)
    const source = typeof input === 'object' && 'signal' in input ? input : undefined
    const mode = always === 'error' ? 'error' : (init.redirect ?? source?.redirect ?? 'follow')
    const late = (): Error => upstreamTimeout(shownUrl(request.url), 'was not done', totalTimeoutMs)
    const clock = startCallClock(init.signal ?? source?.signal, totalTimeoutMs, late)
    const caller = { url: request.url, secretHeaders: [...secretHeaders, ...(init.secretHeaders ?? [])] }
    let hop = request
    let answer: IncomingAnswer | undefined
    let isClosed = false
    const toError = (error: unknown): unknown => (clock.signal.aborted ? clock.signal.reason : sendError(hop, error))
    try {
      for (let redirects = 0; ; redirects += 1) {
        clock.signal.throwIfAborted()
        const opening = openingOfUrl(hop.url, isClosed ? closedPolicy : policy)
        answer = await send(isClosed ? closedAgent : agent, hop, clock.signal)
        const location = redirectLocation(answer.status, answer.headers.location)
        if (location === undefined || mode === 'manual') {
          return toResponse(answer, {
            ...{ method: hop.method, url: hop.url, redirected: redirects > 0, maxResponseBytes },
            ...{ shown: shownUrl(hop.url), toError, onEnd: clock.end },
          })
        }
        discard(answer.body)
        if (mode === 'error')
          throw egressRefused(redirectRule, shownUrl(hop.url), 'it redirects, which is not followed')
        if (redirects === maxRedirects) {
          throw egressRefused('E5', shownUrl(hop.url), `it is the end of ${maxRedirects} redirects and redirects again`)
        }
        isClosed ||= opening === 'public'
        hop = nextHop(hop, answer.status, location, caller)
      }
    } catch (error) {
      clock.end()
      if (answer !== undefined) discard(answer.body)
      if (request.body instanceof Readable) discard(request.body)
      throw toError(error)
    }
  }

  const close = async (): Promise<void> => {
    await Promise.all([agent.destroy(), closedAgent.destroy()])
  }
  return Object.assign(guardedFetch, { close, [Symbol.asyncDispose]: close })
}

async function send(agent: Agent, { url, method, headers, body }: OutgoingRequest, signal: AbortSignal) {
  const answer = await agent.request({
    ...{ origin: url.origin, path: url.pathname + url.search, method, signal },
    ...{ headers: headers.flat(), body: body ?? null },
  })
  return { ...answer, status: answer.statusCode }
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
