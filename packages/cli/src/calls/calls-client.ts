import * as z from 'zod'
import type { Ask } from '../admin-client.ts'
import {
  type CallList,
  type CallTail,
  callList,
  callTail,
  type DeadCallList,
  deadCallList,
  type RetriedCall,
  retriedCall,
  type WireCall,
  wireCall,
} from './call-bodies.ts'

/** Members of a query string; undefined ones are left out. */
export type Query = Record<string, string | undefined>

/** The admin routes of calls. Methods throw what `createAdminClient` says. */
export interface CallsClient {
  list(filter: Query): Promise<CallList>
  find(id: string): Promise<WireCall>
  /** Calls that ended since the answer that `cursor` is of; waits up to `wait_ms` for one, at most 25 s. */
  tail(query: Query, signal: AbortSignal): Promise<CallTail>
  dead(range: Query): Promise<DeadCallList>
  /** Makes a new call of a dead one. */
  retry(id: string): Promise<RetriedCall>
  /** Deletes a dead call. */
  drop(id: string): Promise<void>
}

/** Builds the part of the admin client that is about calls. */
export function createCallsClient(ask: Ask): CallsClient {
  const deadPath = (id: string): string => `/calls/dead/${encodeURIComponent(id)}`
  return {
    list: (filter) => ask('GET', `/calls${queryText(filter)}`, callList),
    find: (id) => ask('GET', `/calls/${encodeURIComponent(id)}`, wireCall),
    tail: (query, signal) => ask('GET', `/calls/tail${queryText(query)}`, callTail, { signal }),
    dead: (range) => ask('GET', `/calls/dead${queryText(range)}`, deadCallList),
    retry: (id) => ask('POST', `${deadPath(id)}/retry`, retriedCall),
    async drop(id) {
      await ask('DELETE', deadPath(id), z.unknown())
    },
  }
}

function queryText(query: Query): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}
