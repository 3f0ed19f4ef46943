import { describe, expect, it } from 'vitest'
import { inboxPeer } from '../support/inbox-peer.ts'
import { connectRawPeer, wireTool } from '../support/raw-peer.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

/* What processes that poll do to each other, and what keys and the end of the server do to them. */

const called = (server: TestServer, more: object = {}) =>
  server
    .llm()
    .call({ toolkitId: 'mail', tool: 'work', ...more })
    .catch((error: unknown) => error)

describe('a process that polls', () => {
  it('hears nothing of the calls of another toolkit, says nothing of them, and holds none of them up', async () => {
    await using server = await startTestServer()
    const peer = await inboxPeer(server, 'mail', [wireTool('work')])
    const thief = await inboxPeer(server, 'thief', [wireTool('work')])
    await using llm = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', key: server.keys.llmKey })
    llm.send({ type: 'call', request_id: 'c', toolkit_id: 'mail', tool: 'work', params: {}, stream: true })
    const [call] = await peer.poll()
    await peer.ack(call)
    const { request_id } = call ?? {}
    await thief.frames(
      { type: 'progress', request_id, progress: 'forged' },
      { type: 'chunk', request_id, sequence: 0, data: 'forged' },
      { type: 'error', request_id, error: { code: 'internal_error', message: 'forged', retryable: false } },
      { type: 'result', request_id, ok: true, result: 'forged' },
    )
    await expect(peer.result(call, 'mine')).resolves.toEqual([{ type: 'received', request_ids: [request_id] }])
    await expect(llm.next(({ type }) => type === 'result')).resolves.toMatchObject({ result: 'mine' })
    expect(llm.frames.map(({ type }) => type)).toEqual(['welcome', 'result'])
  })

  it('brings its result twice when it did not hear of the first, and both are acknowledged', async () => {
    await using server = await startTestServer()
    const peer = await inboxPeer(server, 'mail', [wireTool('work')])
    const outcome = called(server)
    const [call] = await peer.poll()
    await peer.ack(call)
    const received = [{ type: 'received', request_ids: [call?.request_id] }]
    expect(await Promise.all([peer.result(call, 1), peer.result(call, 2)])).toEqual([received, received])
    expect(await outcome).toBe(1)
  })

  it('answers many calls in one request', async () => {
    await using server = await startTestServer()
    const peer = await inboxPeer(server, 'mail', [wireTool('work')])
    const outcomes = Array.from({ length: 20 }, (_, n) => called(server, { params: { n } }))
    const calls: Awaited<ReturnType<typeof peer.poll>> = []
    while (calls.length < 20) calls.push(...(await peer.poll()))
    const of = ({ request_id, lease_id }: (typeof calls)[number]) => ({ request_id, lease_id })
    const acked = await peer.frames(...calls.map((call) => ({ type: 'ack', ...of(call) })))
    expect(acked.map(({ type }) => type)).toEqual(calls.map(() => 'acked'))
    const results = calls.map((call) => ({ type: 'result', ...of(call), ok: true, result: call.params }))
    expect((await peer.frames(...results)).map(({ request_ids }) => request_ids)).toEqual(
      calls.map(({ request_id }) => [request_id]),
    )
    expect(await Promise.all(outcomes)).toEqual(outcomes.map((_, n) => ({ n })))
  })

  it('that drains is not taken for one that serves nothing under its hash', async () => {
    await using server = await startTestServer()
    const old = await inboxPeer(server, 'mail', [wireTool('work')])
    await old.frames({ type: 'drain', deadline_ms: 1_000 })
    await using fresh = await connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key: old.key })
    fresh.send({ type: 'register', request_id: 'r', toolkit_hash: 'h' })
    await expect(fresh.next(({ type }) => type === 'registered')).resolves.toMatchObject({ resend: true })
  })

  it('whose key is revoked polls no longer, and its toolkit is offline at once (rule K5)', async () => {
    await using server = await startTestServer()
    const peer = await inboxPeer(server, 'mail', [wireTool('work')])
    const ended = peer.poll().catch(() => [])
    const headers = { authorization: `Bearer ${server.keys.adminKey}` }
    const { keys } = (await (await fetch(`${server.url}/api/v2/keys`, { headers })).json()) as {
      keys: { id: string; name: string }[]
    }
    const id = keys.find(({ name }) => name === 'mail')?.id
    const revoked = await fetch(`${server.url}/api/v2/keys/${id}`, { method: 'DELETE', headers })
    expect(revoked.ok).toBe(true)
    await ended
    expect(await called(server)).toMatchObject({ code: 'toolkit_offline' })
    await expect(peer.poll()).rejects.toThrow('unauthorized')
  })

  it('is told that the server drains, which ends at once what nobody has and waits for what somebody runs', async () => {
    await using server = await startTestServer()
    const peer = await inboxPeer(server, 'mail', [wireTool('work')])
    const running = called(server)
    const [call] = await peer.poll()
    await peer.ack(call)
    const waiting = called(server, { params: { n: 2 } })
    const polling = peer.poll({ max: 0 })
    await expect
      .poll(async () =>
        (await (await fetch(`${server.url}/metrics`)).text()).includes('atp_inbox_depth{toolkit="mail"} 1'),
      )
      .toBe(true)
    const closing = server.server.close(8_000)
    expect(await polling).toMatchObject([{ type: 'drain' }])
    expect(await peer.poll()).toMatchObject([{ type: 'drain' }])
    expect(await waiting).toMatchObject({ code: 'server_shutting_down' })
    await peer.result(call, 'in time')
    expect(await running).toBe('in time')
    await closing
  })
})
