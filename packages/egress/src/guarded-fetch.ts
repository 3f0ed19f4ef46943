import type { EgressRule } from './egress-error.ts'
import { type EgressOptions, egressDefaults, readLimit } from './egress-options.ts'
import { closedPolicy, readPolicy } from './egress-policy.ts'
import { exchange, type Guard } from './exchange.ts'
import { createGuardedAgent } from './guarded-agent.ts'
import type { GuardedAnswer } from './guarded-answer.ts'
import { systemLookup } from './guarded-lookup.ts'
import { readPlainBody } from './outgoing-body.ts'
import { readRequest, toRequest } from './outgoing-request.ts'
import { toResponse } from './to-response.ts'

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

/** What one request without a `Response` says. */
export interface GuardedRequestInit {
  /** @default 'GET' */
  method?: string
  headers?: Readonly<Record<string, string>>
  /** Obligation: bytes stay as they are until the answer is there. */
  body?: string | Uint8Array | null
  /** @default 'follow' */
  redirect?: RequestRedirect
  signal?: AbortSignal | null
  /** As in {@link GuardedFetchInit}. */
  secretHeaders?: readonly string[]
  /** As in {@link GuardedFetchInit}. */
  allowGetBody?: boolean
}

/**
 * Used like `fetch`, and assignable to its type. Throws an `AtpError`: `egress_refused`, `upstream_timeout`,
 * `upstream_failed`, or `invalid_request` for what cannot be sent; and the signal's reason when that aborts.
 */
export interface GuardedFetch extends AsyncDisposable {
  (input: string | URL | Request, init?: GuardedFetchInit): Promise<Response>
  /** Sends the same request under the same rules, and gives the bare answer: for those who make many small calls. */
  request(url: string | URL, init?: GuardedRequestInit): Promise<GuardedAnswer>
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
  const policy = readPolicy(options)
  const socketOptions = { lookup, connectTimeoutMs, ca, alpn: ['http/1.1'] }
  const guard: Guard = {
    ...{ policy, redirectRule },
    agent: createGuardedAgent(policy, socketOptions),
    closedAgent: createGuardedAgent(closedPolicy, socketOptions),
    totalTimeoutMs: readLimit('totalTimeoutMs', options.totalTimeoutMs, egressDefaults.totalTimeoutMs),
    maxResponseBytes: readLimit('maxResponseBytes', options.maxResponseBytes, egressDefaults.maxResponseBytes),
  }
  const redirectOf = (asked: RequestRedirect = 'follow'): RequestRedirect => (always === 'error' ? 'error' : asked)
  const secretsOf = (more: readonly string[] = []): readonly string[] => [...secretHeaders, ...more]

  async function guardedFetch(input: string | URL | Request, init: GuardedFetchInit = {}): Promise<Response> {
    const source = typeof input === 'object' && 'signal' in input ? input : undefined
    const answer = await exchange(guard, await readRequest(input, init), {
      redirect: redirectOf(init.redirect ?? source?.redirect),
      signal: init.signal ?? source?.signal,
      secretHeaders: secretsOf(init.secretHeaders),
    })
    return toResponse(answer)
  }

  async function request(url: string | URL, init: GuardedRequestInit = {}): Promise<GuardedAnswer> {
    return exchange(guard, toRequest(String(url), init, readPlainBody(init.body)), {
      redirect: redirectOf(init.redirect),
      signal: init.signal,
      secretHeaders: secretsOf(init.secretHeaders),
    })
  }

  const close = async (): Promise<void> => {
    await Promise.all([guard.agent.destroy(), guard.closedAgent.destroy()])
  }
  return Object.assign(guardedFetch, { request, close, [Symbol.asyncDispose]: close })
}
