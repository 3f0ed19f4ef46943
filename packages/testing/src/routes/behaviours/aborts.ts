import { expect, vi } from 'vitest'
import { countsOf, expectAlive } from '../expectations.ts'
import { call, open } from '../http-client.ts'
import { hostOf, openSocket } from '../raw-client.ts'
import type { RouteBehaviour, RoutesHost } from '../route-behaviour.ts'

/** Half a MiB: no platform reads it together with the head, however much it reads at once. */
export const longNote: string = 'x'.repeat(524_288)

/** Clients that go away. */
export const abortBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'abort.reaches-signal',
    says: "aborts the tool's signal when the client gives up waiting",
    rules: ['abort'],
    run: (host) => expectAborted(host, {}),
  },
  {
    id: 'abort.long-body',
    says: "aborts the tool's signal when the client gives up waiting, also where its body did not come with the head",
    rules: ['abort'],
    run: (host) => expectAborted(host, { note: longNote }),
  },
  {
    id: 'abort.connection-lost',
    says: "aborts the tool's signal when the connection is lost",
    rules: ['abort'],
    socket: true,
    async run(host) {
      const id = crypto.randomUUID()
      const socket = await openSocket(host)
      socket.write(requestText(host, 'wait', JSON.stringify({ id })))
      await until(host, id, { started: 1 })
      socket.destroy()
      await until(host, id, { aborted: 1, ended: 1 })
    },
  },
  {
    id: 'abort.within-body',
    says: 'runs nothing when the connection is lost within the body, and goes on serving',
    rules: ['abort', 'input.cost'],
    socket: true,
    async run(host) {
      const id = crypto.randomUUID()
      for (const ending of ['end', 'destroy'] as const) {
        const socket = await openSocket(host)
        const text = requestText(host, 'keep_signal', `${JSON.stringify({ id })} `)
        await new Promise<void>((resolve) => socket.write(text.slice(0, -1), () => resolve()))
        const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
        socket.resume()
        socket[ending]()
        await closed
      }
      await expectAlive(host)
      expect(await countsOf(host, id)).toMatchObject({ ended: 0 })
    },
  },
  {
    id: 'abort.not-after-the-answer',
    says: 'does not abort the signal of a call that was answered',
    rules: ['abort'],
    async run(host) {
      const id = crypto.randomUUID()
      expect(await call(host, '/public/atp/probe/keep_signal/', { id })).toBe(1)
      await expectAlive(host)
      expect(await countsOf(host, id)).toMatchObject({ ended: 1, aborted: 0 })
    },
  },
]

async function expectAborted(host: RoutesHost, more: object): Promise<void> {
  const id = crypto.randomUUID()
  const abort = new AbortController()
  const running = open(host, '/public/atp/probe/wait/', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id, ...more }),
    signal: abort.signal,
  })
  const ended = running.then(
    () => {},
    () => {},
  )
  await until(host, id, { started: 1, aborted: 0 })
  abort.abort()
  await until(host, id, { aborted: 1, ended: 1 })
  await ended
  await expectAlive(host)
}

function until(host: RoutesHost, id: string, counts: object): Promise<void> {
  return vi.waitFor(async () => expect(await countsOf(host, id)).toMatchObject(counts), { timeout: 15_000 })
}

function requestText(host: RoutesHost, tool: string, body: string): string {
  const lines = [
    `POST /public/atp/probe/${tool}/ HTTP/1.1`,
    `host: ${hostOf(host).host}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}
