import { AtpError } from '@atp/core'
import { firstIssues, parseJson } from '@atp/core/protocol'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import type { ServerLimits } from '../limits.ts'
import { addBodyScope } from './body-scope.ts'
import { goneSignal } from './gone-signal.ts'
import type { InboxSessions } from './inbox-sessions.ts'
import { keyOf, type RouteAccess } from './route-access.ts'

/** What {@link registerInboxHttp} needs. */
export interface InboxHttpOptions {
  sessions: InboxSessions
  limits: ServerLimits
}

/** The frames are two levels down, and results have more members than what a caller writes. */
const bodyLimits = { maxDepth: 68, maxKeys: 1_000_000 } as const

/** The longest a poll is held (rule D4), in milliseconds. */
const maxWaitMs = 25_000

const instanceId = z.string().min(1).max(128)
const framesBody = z.object({ instance_id: instanceId, frames: z.array(z.unknown()).max(256) })
const pollBody = z.object({
  instance_id: instanceId,
  max: z.int().min(0).max(32).default(32),
  wait_ms: z.number().min(0).max(maxWaitMs).default(maxWaitMs),
})

const access: RouteAccess = { kind: 'toolkit' }

/** `/api/v2/toolkit/…`: protocol 2 for toolkits that cannot hold a socket, one request at a time. */
export function registerInboxHttp(app: FastifyInstance, { sessions, limits }: InboxHttpOptions): void {
  addBodyScope(
    app,
    (text) => parseJson(text, bodyLimits),
    (scope) => {
      scope.post(
        '/api/v2/toolkit/frames',
        { config: { access }, bodyLimit: limits.toolkitFrameBytes },
        async (request) => {
          const { instance_id, frames } = read(framesBody, request.body)
          return { frames: await sessions.take(keyOf(request), instance_id, frames) }
        },
      )

      scope.post('/api/v2/toolkit/poll', { config: { access } }, async (request, reply) => {
        const { instance_id, max, wait_ms: waitMs } = read(pollBody, request.body)
        const signal = goneSignal(reply)
        return reply.send({ frames: await sessions.poll(keyOf(request), instance_id, { max, waitMs, signal }) })
      })
    },
  )
}

function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new AtpError('invalid_request', `The body cannot be read: ${firstIssues(parsed.error)}`)
}
