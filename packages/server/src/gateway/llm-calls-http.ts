import { AtpError } from '@atp/core'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import type { CallQueries } from '../calls/call-queries.ts'
import type { CallStreams } from '../calls/call-streams.ts'
import { createEventReply } from './event-reply.ts'
import { goneSignal } from './gone-signal.ts'
import { readQuery } from './http-app.ts'
import { keyOf, type RouteAccess } from './route-access.ts'

/** What {@link registerLlmCallsHttp} needs. */
export interface LlmCallsHttpOptions {
  queries: CallQueries
  streams: CallStreams
}

type WithId = { Params: { id: string } }

const access: RouteAccess = { kind: 'llm' }
const waitQuery = z.object({ wait_ms: z.coerce.number().min(0).max(25_000).default(0) })
const eventId = /^\d{1,10}$/

/** `/api/v2/llm/calls/…`: what became of a call, the rest of a stream, and its cancel, for the key that made it. */
export function registerLlmCallsHttp(app: FastifyInstance, { queries, streams }: LlmCallsHttpOptions): void {
  app.get<WithId>('/api/v2/llm/calls/:id', { config: { access } }, async (request, reply) => {
    const query = waitQuery.safeParse(readQuery(request))
    if (!query.success) throw new AtpError('invalid_request', 'wait_ms must be 0 to 25000')
    return queries.get(keyOf(request), request.params.id, query.data.wait_ms, goneSignal(reply))
  })

  app.post<WithId>('/api/v2/llm/calls/:id/cancel', { config: { access } }, async (request) => ({
    cancelled: queries.cancel(keyOf(request), request.params.id),
  }))

  app.get<WithId>('/api/v2/llm/calls/:id/events', { config: { access } }, (request, reply) => {
    const lastId = request.headers['last-event-id'] ?? '0'
    if (typeof lastId !== 'string' || !eventId.test(lastId)) {
      throw new AtpError('invalid_request', 'Last-Event-ID must be the id of an event of this call')
    }
    const events = createEventReply(reply)
    try {
      events.onClose(streams.resume(keyOf(request).id, request.params.id, events, Number(lastId)))
    } catch (error) {
      events.end()
      throw error
    }
    return events.start()
  })
}
