import { describe, expect, it } from 'vitest'
import { inboxPeer } from '../support/inbox-peer.ts'
import { wireTool } from '../support/raw-peer.ts'
import { startTestServer } from '../support/test-server.ts'

/* Rules D1 to D6, with a toolkit that speaks frames over HTTP by hand. */

const short = { leaseMs: 400, inboxOnlineMs: 60_000 }

describe('a call in the inbox', () => {
  it('is leased, runs after its ack only, and its result is acknowledged', async () => {
    await using server = await startTestServer()
    const peer = await inboxPeer(server, 'mail', [wireTool('work')])
    const outcome = server.llm().call({ toolkitId: 'mail', tool: 'work', params: { n: 1 } })
    const [call] = await peer.poll()
    expect(call).toMatchObject({ type: 'call', tool: 'work', params: { n: 1 }, lease_ms: 30_000 })
    await expect(peer.frames({ type: 'ack', request_id: call?.request_id, lease_id: call?.lease_id })).resolves.toEqual(
      [{ type: 'acked', request_id: call?.request_id, lease_id: call?.lease_id }],
    )
    await expect(peer.result(call, { done: 1 })).resolves.toEqual([
      { type: 'received', request_ids: [call?.request_id] },
    ])
    await expect(outcome).resolves.toEqual({ done: 1 })
  })

  it('is handed out again when nobody acked it, and the older lease counts no more', async () => {
    await using server = await startTestServer({ limits: short })
    const peer = await inboxPeer(server, 'mail', [wireTool('work')])
    const outcome = server.llm().call({ toolkitId: 'mail', tool: 'work' })
    const [first] = await peer.poll()
    const [second] = await peer.poll()
    expect(second?.request_id).toBe(first?.request_id)
    expect(second?.lease_id).not.toBe(first?.lease_id)
    const stale = [
      { type: 'error', request_id: first?.request_id, error: expect.objectContaining({ code: 'lease_lost' }) },
    ]
    await expect(
      peer.frames({ type: 'ack', request_id: first?.request_id, lease_id: first?.lease_id }),
    ).resolves.toEqual(stale)
    await expect(peer.result(first, 'stale')).resolves.toEqual(stale)
    await peer.ack(second)
    await peer.result(second, 'fresh')
    await expect(outcome).resolves.toBe('fresh')
  })

  it('is a dead letter after five deliveries, and an operator may deliver it again', async () => {
    await using server = await startTestServer({ limits: { ...short, leaseMs: 50 } })
    const peer = await inboxPeer(server, 'mail', [wireTool('work')])
    const outcome = server
      .llm()
      .call({ toolkitId: 'mail', tool: 'work', params: { n: 5 } })
      .catch((error: unknown) => error)
    for (let delivery = 1; delivery <= 5; delivery += 1) expect(await peer.poll()).toHaveLength(1)
    expect(await outcome).toMatchObject({ code: 'delivery_failed' })
    const admin = async (path: string, method = 'GET') => {
      const headers = { authorization: `Bearer ${server.keys.adminKey}` }
      return (await fetch(`${server.url}/api/v2/calls/dead${path}`, { method, headers })).json()
    }
    const { calls } = (await admin('')) as { calls: { id: string; deliveries: number; tool: string }[] }
    expect(calls).toMatchObject([{ tool: 'work', toolkit: 'mail', deliveries: 5, retried_as: null }])
    const { call_id } = (await admin(`/${calls[0]?.id}/retry`, 'POST')) as { call_id: string }
    const [again] = await peer.poll()
    expect(again).toMatchObject({ request_id: call_id, params: { n: 5 } })
    await expect(admin(`/${calls[0]?.id}/retry`, 'POST')).resolves.toMatchObject({ code: 'duplicate_request_id' })
    await expect(admin(`/${calls[0]?.id}`, 'DELETE')).resolves.toMatchObject({ dropped: true })
    await expect(admin('')).resolves.toMatchObject({ calls: [] })
  })

  it('that ran and fell silent ends as unknown, unless its tool may run twice', async () => {
    await using server = await startTestServer({ limits: short })
    const peer = await inboxPeer(server, 'mail', [
      wireTool('once'),
      wireTool('often', { annotations: { idempotent: true } }),
    ])
    const llm = server.llm()
    const once = llm.call({ toolkitId: 'mail', tool: 'once' }).catch((error: unknown) => error)
    const [taken] = await peer.poll()
    await peer.ack(taken)
    expect(await once).toMatchObject({ code: 'outcome_unknown' })
    await expect(peer.result(taken, 'late')).resolves.toEqual([{ type: 'received', request_ids: [taken?.request_id] }])
    const often = llm.call({ toolkitId: 'mail', tool: 'often' })
    await peer.ack((await peer.poll())[0])
    const [again] = await peer.poll()
    await peer.ack(again)
    await peer.result(again, 'second time')
    await expect(often).resolves.toBe('second time')
  })

  it('keeps its lease for as long as it is renewed', async () => {
    await using server = await startTestServer({ limits: short })
    const peer = await inboxPeer(server, 'mail', [wireTool('work')])
    const outcome = server.llm().call({ toolkitId: 'mail', tool: 'work' })
    const [call] = await peer.poll()
    const until = performance.now() + 1_200
    while (performance.now() < until) expect(await peer.ack(call)).toMatchObject([{ type: 'acked' }])
    await peer.result(call, 'at last')
    await expect(outcome).resolves.toBe('at last')
  })

  it('is told of its cancel by the poll that is held', async () => {
    await using server = await startTestServer()
    const peer = await inboxPeer(server, 'mail', [wireTool('work')])
    const controller = new AbortController()
    const outcome = server
      .llm()
      .call({ toolkitId: 'mail', tool: 'work', signal: controller.signal })
      .catch((e: unknown) => e)
    const [call] = await peer.poll()
    await peer.ack(call)
    const polling = peer.poll()
    controller.abort()
    await expect(polling).resolves.toMatchObject([{ type: 'cancel', request_id: call?.request_id }])
    expect(await outcome).toMatchObject({ code: 'cancelled' })
  })

  it('never leaves for a poll whose client is gone, or that a newer one replaced', async () => {
    await using server = await startTestServer()
    const peer = await inboxPeer(server, 'mail', [wireTool('work')])
    const gone = new AbortController()
    const lost = peer.poll({ signal: gone.signal }).catch(() => 'gone')
    const replaced = peer.poll()
    const newest = peer.poll()
    gone.abort()
    await lost
    expect(await replaced).toEqual([])
    const outcome = server.llm().call({ toolkitId: 'mail', tool: 'work' })
    const [call] = await newest
    await peer.ack(call)
    await peer.result(call, 'here')
    await expect(outcome).resolves.toBe('here')
  })

  it('is refused when as many wait as may, and when nobody polled for a while', async () => {
    await using server = await startTestServer({ limits: { inboxCallsPerToolkit: 2, inboxOnlineMs: 600 } })
    const peer = await inboxPeer(server, 'mail', [wireTool('work')])
    const llm = server.llm()
    const call = () => llm.call({ toolkitId: 'mail', tool: 'work', timeoutMs: 300 }).catch((error: unknown) => error)
    const [first, second, third] = await Promise.all([call(), call(), call()])
    expect([first, second]).toMatchObject([{ code: 'deadline_exceeded' }, { code: 'deadline_exceeded' }])
    expect(third).toMatchObject({ code: 'queue_full' })
    await expect.poll(call).toMatchObject({ code: 'toolkit_offline' })
    await expect(peer.poll()).rejects.toThrow('gone')
  })

  it('is taken up by the next server, once', async () => {
    let folder = ''
    let waiting: string
    let running: string
    let key: string
    {
      await using server = await startTestServer({ keepData: true })
      folder = server.dataDir
      const peer = await inboxPeer(server, 'mail', [wireTool('work')])
      key = peer.key
      const detach = async (n: number) => {
        const { callId } = await server.llm().call({ toolkitId: 'mail', tool: 'work', params: { n }, detach: true })
        return callId
      }
      running = await detach(1)
      await peer.ack((await peer.poll())[0])
      waiting = await detach(2)
    }
    await using server = await startTestServer({ dataDir: folder })
    const peer = await inboxPeer(server, 'mail', [wireTool('work')], key)
    const llm = server.llm()
    const [call, ...others] = await peer.poll()
    expect(others).toEqual([])
    expect(call).toMatchObject({ request_id: waiting, params: { n: 2 } })
    await peer.ack(call)
    await peer.result(call, 'second')
    await expect(llm.waitForCall(waiting)).resolves.toBe('second')
    await expect(llm.getCall(running)).resolves.toMatchObject({ status: 'running' })
  })
})
