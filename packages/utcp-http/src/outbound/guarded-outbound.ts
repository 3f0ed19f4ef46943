import {
  createGuardedFetch,
  createOauthFetch,
  type EgressOptions,
  type GuardedFetch,
  type GuardedRequestInit,
} from '@atp/egress'
import { UtcpError } from '@atp/utcp'
import { leadsToLoopback } from './loopback.ts'
import type { Outbound, OutboundAnswer, OutboundRequest } from './outbound.ts'
import { refused } from './refused.ts'

/** How the requests of the protocols leave this process on Node. The operator's to set, never a manual's. */
export interface OutboundOptions {
  /**
   * A guarded fetch of one's own, which is shared and stays open. Obligation: it obeys the rules of `@atp/egress`, as
   * what `createGuardedFetch` makes does; its limits of time and size hold for streams, too.
   * @default one that belongs to the client
   */
  readonly fetch?: GuardedFetch
  /** What the guard may reach and how; not together with `fetch`. */
  readonly egress?: Omit<EgressOptions, 'allowLoopbackHttp' | 'totalTimeoutMs'>
  /**
   * Whether manuals that were configured here may be at this machine's literal loopback addresses, there without TLS
   * too. Manuals from elsewhere never lead there. A hub turns it off.
   * @default true
   */
  readonly allowLoopback?: boolean
}

/** Sends by the outbound guard. @throws UtcpError `invalid_config` for `fetch` together with `egress` */
export function guardedOutbound({ fetch: shared, egress, allowLoopback = true }: OutboundOptions): Outbound {
  if (shared !== undefined && egress !== undefined) {
    throw new UtcpError('invalid_config', 'Either fetch or egress can be given: a fetch has its rules already')
  }
  return shared === undefined ? ownGuard(egress ?? {}, allowLoopback) : sharedGuard(shared, allowLoopback)
}

function ownGuard(egress: EgressOptions, allowLoopback: boolean): Outbound {
  const unlimited = { totalTimeoutMs: Number.POSITIVE_INFINITY, maxResponseBytes: Number.POSITIVE_INFINITY }
  const make = (allowLoopbackHttp: boolean): Record<'calls' | 'tokens', GuardedFetch> => ({
    calls: createGuardedFetch({ ...egress, ...unlimited, allowLoopbackHttp }),
    tokens: createOauthFetch({ ...egress, allowLoopbackHttp }),
  })
  const remote = make(false)
  const local = allowLoopback ? make(true) : remote
  return {
    send: (request) => (request.isLocal ? local : remote).calls.request(request.url, toInit(request)),
    sendForToken: (request) => (request.isLocal ? local : remote).tokens.request(request.url, toInit(request)),
    async close() {
      const all = new Set([remote, local])
      await Promise.all([...all].flatMap(({ calls, tokens }) => [calls.close(), tokens.close()]))
    },
  }
}

function sharedGuard(shared: GuardedFetch, allowLoopback: boolean): Outbound {
  const send = async (request: OutboundRequest): Promise<OutboundAnswer> => {
    if (!(request.isLocal && allowLoopback) && leadsToLoopback(request.url)) {
      throw refused('E3', request.url, 'it means this machine')
    }
    return shared.request(request.url, toInit(request))
  }
  return { send, sendForToken: (request) => send({ ...request, redirect: 'error' }), close: async () => {} }
}

function toInit({ method, headers, body, redirect, secretHeaders, signal }: OutboundRequest): GuardedRequestInit {
  return {
    method,
    headers,
    redirect,
    secretHeaders,
    signal,
    ...(body === undefined ? {} : { body, allowGetBody: true }),
  }
}
