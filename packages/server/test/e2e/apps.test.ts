import type { ToolKitClient, UiNode } from '@atp/core'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { connectRawPeer } from '../support/raw-peer.ts'
import { startDelivery } from '../support/start-delivery.ts'
import { startTestServer } from '../support/test-server.ts'

/* Sessions of apps, from the caller's `openApp` to the app's code and back. */

const counter = (count: number): UiNode => ({ category: 'text', component_type: 'label', props: { text: `${count}` } })

const closed: unknown[] = []

function registerApps(toolkit: ToolKitClient): void {
  toolkit.registerApp(
    { name: 'counter', description: 'Counts.', params: z.object({ from: z.number() }) },
    {
      start: ({ from }) => ({ ui: counter(from), state: { count: from } }),
      act(data, { state }) {
        const { by } = data as { by: number }
        if (by === 0) throw new Error('by nothing')
        const count = (state as { count: number }).count + by
        return { ui: counter(count), state: { count }, ended: count > 100 }
      },
      close: ({ state }) => void closed.push(state),
    },
  )
  toolkit.registerTool({ name: 'plain', description: '', params: z.object({}) }, () => 1)
}

describe.each(['socket', 'inbox'] as const)('an app of a toolkit behind %s', (kind) => {
  it.each(['ws', 'http'] as const)('keeps a state for each session of callers over %s', async (protocol) => {
    await using server = await startTestServer()
    await using _toolkit = await startDelivery(server, kind, 'apps', registerApps)
    const llm = server.llm({ protocol })
    const open = (from: number) => llm.openApp({ toolkitId: 'apps', app: 'counter', params: { from } })
    const [one, other] = await Promise.all([open(1), open(50)])
    expect(one.ui).toEqual(counter(1))
    expect(await one.act({ by: 2 })).toEqual(counter(3))
    expect(await other.act({ by: 1 })).toEqual(counter(51))
    await expect(one.act({ by: 0 })).rejects.toMatchObject({ code: 'tool_error', message: 'by nothing' })
    expect(await one.act({ by: 4 })).toEqual(counter(7))
    closed.length = 0
    await one.close()
    await one.close()
    expect(closed).toEqual([{ count: 7 }])
    await expect(one.act({ by: 1 })).rejects.toMatchObject({ code: 'not_found' })
    expect(await other.act({ by: 60 })).toEqual(counter(111))
    expect(other.ended).toBe(true)
    await expect(other.act({ by: 1 })).rejects.toMatchObject({ code: 'not_found' })
  })

  it('checks the parameters of its start, and is no other tool', async () => {
    await using server = await startTestServer()
    await using _toolkit = await startDelivery(server, kind, 'apps', registerApps)
    const llm = server.llm()
    await expect(llm.openApp({ toolkitId: 'apps', app: 'counter' })).rejects.toMatchObject({ code: 'missing_params' })
    await expect(llm.openApp({ toolkitId: 'apps', app: 'plain' })).rejects.toMatchObject({ code: 'unsupported' })
    await expect(llm.call({ toolkitId: 'apps', tool: 'counter', params: { from: 3 } })).resolves.toEqual({
      ui: counter(3),
      ended: true,
    })
  })
})

it('sends what a user does to the process that has the session', async () => {
  await using server = await startTestServer()
  const { key } = await server.server.createKey({ kind: 'toolkit', name: 'apps' })
  const counts = [0, 0]
  const toolkits = await Promise.all(
    [0, 1].map(async (index) => {
      const toolkit = await server.toolkit({ appName: 'apps', apiKey: key })
      toolkit.registerApp(
        { name: 'where', description: '' },
        {
          start: () => ({ ui: index }),
          act() {
            counts[index] = (counts[index] ?? 0) + 1
            return { ui: index }
          },
        },
      )
      await toolkit.start()
      return toolkit
    }),
  )
  const llm = server.llm()
  const sessions = await Promise.all(Array.from({ length: 8 }, () => llm.openApp({ toolkitId: 'apps', app: 'where' })))
  for (const session of sessions) expect(await session.act(null)).toBe(session.ui)
  expect(counts[0]).toBeGreaterThan(0)
  expect(counts[1]).toBeGreaterThan(0)
  const first = sessions.find(({ ui }) => ui === 0)
  await toolkits[0]?.stop()
  await expect(first?.act(null)).rejects.toMatchObject({ code: 'not_found' })
})

it('tells that a session expired', async () => {
  await using server = await startTestServer()
  const toolkit = await server.toolkit({ appName: 'apps' })
  const handlers = { start: () => ({ ui: 1 }), act: () => ({ ui: 2 }) }
  toolkit.registerApp({ name: 'brief', description: '', sessionTimeoutMs: 1 }, handlers)
  await toolkit.start()
  const session = await server.llm().openApp({ toolkitId: 'apps', app: 'brief' })
  await expect.poll(() => session.act(null).catch(({ code }) => code)).toBe('not_found')
})

it('keeps a session for the key that opened it: to any other one it is missing', async () => {
  await using server = await startTestServer()
  const toolkit = await server.toolkit({ appName: 'apps' })
  toolkit.registerApp({ name: 'mine', description: '' }, { start: () => ({ ui: 1 }), act: () => ({ ui: 2 }) })
  await toolkit.start()
  const session = await server.llm().openApp({ toolkitId: 'apps', app: 'mine' })
  const { key } = await server.server.createKey({ kind: 'llm' })
  await using thief = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', key })
  for (const event of ['start', 'action', 'close']) {
    const app = { session_id: session.id, event }
    thief.send({ type: 'call', request_id: event, toolkit_id: 'apps', tool: 'mine', params: {}, app })
    const answer = await thief.next(({ request_id }) => request_id === event)
    expect(answer).toMatchObject({ ok: false, error: { code: 'not_found' } })
  }
  expect(await session.act(null)).toBe(2)
})
