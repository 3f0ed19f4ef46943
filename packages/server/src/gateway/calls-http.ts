import { AtpError, type ErrorCode, isErrorCode } from '@atp/core'
import { firstIssues } from '@atp/core/protocol'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { toolkitNotFound } from '../calls/call-request.ts'
import type { RecentCalls } from '../calls/recent-calls.ts'
import { steadyNow } from '../calls/steady-clock.ts'
import type { StoredCall, StoredCallState } from '../store/durable-store.ts'
import type { CallRecord, Store } from '../store/store.ts'
import { adminPrefix } from './error-answer.ts'
import { goneSignal } from './gone-signal.ts'
import { readQuery } from './http-app.ts'
import { keyOf, type RouteAccess } from './route-access.ts'

/** What the routes of the call log need. */
export interface CallsHttpOptions {
  store: Pick<Store, 'calls' | 'toolkits' | 'durable'>
  recent: RecentCalls
  /** Writes calls that wait for the log, so that a list is complete. */
  flushCalls: () => Promise<void>
}

const filterMembers = {
  toolkit: z.string().max(512).optional(),
  tool: z.string().max(128).optional(),
  status: z.enum(['succeeded', 'failed', 'timed_out', 'cancelled', 'delivery_failed', 'outcome_unknown']).optional(),
  delivery: z.enum(['socket', 'inbox', 'endpoint', 'manual']).optional(),
  error: z.custom<ErrorCode>(isErrorCode, 'must be a code of docs/errors.md').optional(),
  limit: z.coerce.number().int().min(1).max(500).optional(),
}

const listQuery = z.strictObject({
  ...filterMembers,
  /** Only calls accepted at that time or later; milliseconds since 1970. */
  since: z.coerce.number().int().min(0).optional(),
  before: z.string().max(64).optional(),
  after: z.string().max(64).optional(),
})

const tailQuery = z.strictObject({
  ...filterMembers,
  cursor: z.string().max(128).optional(),
  wait_ms: z.coerce.number().int().min(0).max(25_000).optional(),
})

const admin: { config: { access: RouteAccess } } = { config: { access: { kind: 'admin' } } }

/** `/api/v2/calls…`: the ended calls of an admin key's project, as a list and as they end. */
export function registerCallsHttp(app: FastifyInstance, { store, recent, flushCalls }: CallsHttpOptions): void {
  app.get(`${adminPrefix}/calls`, admin, async (request) => {
    const { projectId } = keyOf(request)
    const { toolkit, error, ...filter } = readFilter(listQuery, readQuery(request))
    const toolkitId = await toolkitIdOf(projectId, toolkit)
    await flushCalls()
    const { calls, next } = await store.calls.list(projectId, { ...filter, errorCode: error, toolkitId })
    return { calls: calls.map(wireCall), next_before: next }
  })

  app.get(`${adminPrefix}/calls/tail`, admin, async (request, reply) => {
    const { projectId } = keyOf(request)
    const { toolkit, error, cursor, limit = 500, wait_ms = 0, ...filter } = readFilter(tailQuery, readQuery(request))
    const toolkitId = await toolkitIdOf(projectId, toolkit)
    const answer = await recent.follow({
      projectId,
      filter: { ...filter, errorCode: error, toolkitId },
      cursor,
      limit,
      waitMs: wait_ms,
      // A caller that is gone must not hold its place among those who wait.
      signal: goneSignal(reply),
    })
    return { calls: answer.calls.map(wireCall), cursor: answer.cursor, gap: answer.gap }
  })

  app.get<{ Params: { id: string } }>(`${adminPrefix}/calls/:id`, admin, async (request) => {
    const { projectId } = keyOf(request)
    const { id } = request.params
    await flushCalls()
    const [ended, stored] = await Promise.all([store.calls.find(projectId, id), store.durable.find(projectId, id)])
    if (ended) return { ...wireCall(ended), ...(stored && wireStored(stored)) }
    if (stored) return { ...wireCall(await unlogged(stored)), ...wireStored(stored) }
    throw new AtpError('not_found', `There is no call "${id}"`)
  })

  /** A stored call that is not in the log: one without an outcome, or whose line was lost. */
  async function unlogged(stored: StoredCall): Promise<LoggedCall> {
    const { id, projectId, toolkitId, createdAt } = stored
    const toolkit = await store.toolkits.find(projectId, toolkitId)
    const outcome = await store.durable.outcome(projectId, id)
    return {
      ...stored,
      toolkitName: toolkit?.appName ?? toolkitId,
      status: outcome?.status ?? stored.state,
      errorCode: outcome?.errorCode ?? null,
      startedAt: createdAt,
      durationMs: (outcome?.endedAt ?? steadyNow()) - createdAt,
    }
  }

  async function toolkitIdOf(projectId: string, idOrName: string | undefined): Promise<string | undefined> {
    if (idOrName === undefined) return undefined
    const toolkit = await store.toolkits.resolve(projectId, idOrName)
    if (!toolkit) throw toolkitNotFound(idOrName)
    return toolkit.id
  }
}

/** One that has no outcome has its state in place of its status. */
type LoggedCall = Omit<CallRecord, 'status'> & { status: CallRecord['status'] | StoredCallState }

function wireStored({ state, deliveries, deadlineAt, retriedAs }: StoredCall): Record<string, unknown> {
  return { state, deliveries, deadline_at: deadlineAt, retried_as: retriedAs }
}

function wireCall(call: LoggedCall): Record<string, unknown> {
  return {
    id: call.id,
    toolkit_id: call.toolkitId,
    toolkit: call.toolkitName,
    tool: call.tool,
    key_id: call.keyId,
    delivery: call.delivery,
    status: call.status,
    error_code: call.errorCode,
    started_at: call.startedAt,
    duration_ms: call.durationMs,
  }
}

function readFilter<T>(schema: z.ZodType<T>, query: Record<string, unknown>): T {
  const parsed = schema.safeParse(query)
  if (parsed.success) return parsed.data
  throw new AtpError('invalid_request', `The query cannot be read: ${firstIssues(parsed.error)}`)
}
