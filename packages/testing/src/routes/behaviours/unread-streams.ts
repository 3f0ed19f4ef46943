import { expect, vi } from 'vitest'
import { countsOf } from '../expectations.ts'
import { call, open } from '../http-client.ts'
import { openSocket, postText } from '../raw-client.ts'
import type { RouteBehaviour, RoutesHost } from '../route-behaviour.ts'

const flood = '/busy/atp/streams/flood_briefly/'

/** Clients that stay, and read no further. */
export const unreadStreamBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'busy.unread-stream',
    says: 'ends a call at its deadline, and counts it no longer, when its client does not read on',
    rules: ['outcome.busy', 'outcome.deadline', 'stream.events'],
    async run(host) {
      const id = crypto.randomUUID()
      const headers = { accept: 'text/event-stream', 'content-type': 'application/json' }
      const response = await open(host, flood, { method: 'POST', headers, body: JSON.stringify({ id }) })
      try {
        expect(response.status).toBe(200)
        await untilFree(host, id)
      } finally {
        await response.body?.cancel().catch(() => {})
      }
    },
  },
  {
    id: 'busy.unread-socket',
    says: 'ends a call at its deadline, and counts it no longer, when nobody takes its bytes from the connection',
    rules: ['outcome.busy', 'outcome.deadline', 'stream.events'],
    socket: true,
    async run(host) {
      const id = crypto.randomUUID()
      const socket = await openSocket(host)
      try {
        socket.pause()
        socket.write(postText(host, flood, { id }, { accept: 'text/event-stream' }))
        await untilFree(host, id)
      } finally {
        socket.destroy()
      }
    },
  },
]

/** Waits until the flood is over and the only slot of the mount is free, while its client is still there. */
async function untilFree(host: RoutesHost, id: string): Promise<void> {
  await vi.waitFor(async () => expect(await countsOf(host, id)).toMatchObject({ started: 1, ended: 1 }), {
    timeout: 15_000,
  })
  await vi.waitFor(() => call(host, '/busy/atp/probe/echo/', {}), { timeout: 15_000 })
}
