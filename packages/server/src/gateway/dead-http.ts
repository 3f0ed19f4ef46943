import { AtpError } from '@atp/core'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import type { CallRouter } from '../calls/call-router.ts'
import { type StoredCalls, tokenFor } from '../calls/stored-calls.ts'
import type { StoredCall } from '../store/durable-store.ts'
import type { DurableWriter } from '../store/grouped-durable-store.ts'
import type { Store } from '../store/store.ts'
import { adminPrefix } from './error-answer.ts'
import { readQuery } from './http-app.ts'
import { keyOf, type RouteAccess } from './route-access.ts'

/** What {@link registerDeadHttp} needs. */
export interface DeadHttpOptions {
  store: Pick<Store, 'keys' | 'toolkits'>
  writer: DurableWriter
  stored: StoredCalls
  router: CallRouter
}

type WithId = { Params: { id: string } }

const admin: { config: { access: RouteAccess } } = { config: { access: { kind: 'admin' } } }
const query = z.strictObject({
  before: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
})

/** `/api/v2/calls/dead…`: calls that no toolkit took to its end, and what an operator does with them. */
export function registerDeadHttp(app: FastifyInstance, options: DeadHttpOptions): void {
  const { store, writer, stored, router } = options

  app.get(`${adminPrefix}/calls/dead`, admin, async (request) => {
    const { projectId } = keyOf(request)
    const read = query.safeParse(readQuery(request))
    if (!read.success) throw new AtpError('invalid_request', 'before must be an id, and limit 1 to 500')
    const { before, limit } = read.data
    const rows = await writer.dead(projectId, limit, before)
    const names = new Map((await store.toolkits.list(projectId)).map(({ id, appName }) => [id, appName]))
    return {
      calls: rows.map((row) => wireDead(row, names.get(row.toolkitId))),
      next_before: rows.length === limit ? (rows.at(-1)?.id ?? null) : null,
    }
  })

  app.post<WithId>(`${adminPrefix}/calls/dead/:id/retry`, admin, async (request, reply) => {
    const { projectId } = keyOf(request)
    const { id } = request.params
    const row = await writer.find(projectId, id)
    if (row?.state !== 'dead') throw noDeadLetter(id)
    if (row.retriedAs !== null) throw retriedAlready(id, row.retriedAs)
    const callId = await retry(row)
    await writer.markRetried(projectId, id, callId)
    return reply.code(202).send({ call_id: callId })
  })

  app.delete<WithId>(`${adminPrefix}/calls/dead/:id`, admin, async (request) => {
    const { projectId } = keyOf(request)
    if (!(await writer.dropDead(projectId, request.params.id))) throw noDeadLetter(request.params.id)
    return { id: request.params.id, dropped: true }
  })

  /**
   * Makes a call of its own of a dead one, which has its outcome. Resolves with its id once it is stored, and with the
   * same id when it is asked again: by another operator, or after a server that ended before it noted the id.
   */
  async function retry(row: StoredCall): Promise<string> {
    const asked = await stored.openRequest(row)
    const { params, meta, app: appEvent } = asked
    const tools = await store.toolkits.tools(row.projectId, row.toolkitId)
    const authToken = tokenFor(
      asked,
      tools.find(({ name }) => name === row.tool),
    )
    const key = await store.keys.find(row.projectId, row.keyId)
    if (!key) throw noDeadLetter(row.id)
    return new Promise((resolve, reject) => {
      const request = {
        key,
        toolkitId: row.toolkitId,
        tool: row.tool,
        params,
        authToken,
        timeoutMs: row.timeoutMs,
        provider: undefined,
        meta,
        app: appEvent,
        requestChars: row.request.length,
        detach: true,
        idempotencyKey: `retry of dead letter ${row.id}`,
        // Known for as long as the dead letter.
        claimMs: stored.keepDeadMs,
      }
      const onOutcome: Parameters<CallRouter['startLater']>[1]['onOutcome'] = (outcome) => {
        if (!outcome.ok) reject(new AtpError(outcome.error.code, outcome.error.message))
      }
      router.startLater(request, { onAccepted: resolve, onOutcome }).catch(reject)
    })
  }
}

function wireDead(row: StoredCall, toolkit: string | undefined): Record<string, unknown> {
  return {
    id: row.id,
    toolkit_id: row.toolkitId,
    toolkit: toolkit ?? row.toolkitId,
    tool: row.tool,
    key_id: row.keyId,
    deliveries: row.deliveries,
    created_at: row.createdAt,
    retried_as: row.retriedAs,
  }
}

function noDeadLetter(id: string): AtpError {
  return new AtpError('not_found', `There is no dead letter "${id}"`)
}

function retriedAlready(id: string, retriedAs: string): AtpError {
  return new AtpError('duplicate_request_id', `Dead letter "${id}" was retried already as "${retriedAs}"`)
}
