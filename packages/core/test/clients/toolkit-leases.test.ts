import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ToolKitClient, ToolKitClientOptions } from '../../src/clients/toolkit-client.ts'
import type { FromToolkitFrame, ToolkitCallFrame } from '../../src/protocol/frames.ts'
import { type ScriptedPeer, type ScriptedServer, toolkitServer } from './scripted-server.ts'
import { acceptTools, type ClientLog, makeClient, recordEvents, settleHashes } from './toolkit-support.ts'

type Peer = ScriptedPeer<FromToolkitFrame>

let server: ScriptedServer<FromToolkitFrame>
let client: ToolKitClient
let log: ClientLog
let ends: ((value: string) => void)[]
let signals: AbortSignal[]

beforeEach(() => {
  vi.useFakeTimers()
  server = toolkitServer()
  ends = []
  signals = []
})
afterEach(async () => {
  const stopping = client.stop()
  await vi.advanceTimersByTimeAsync(10_000)
  await stopping
  await settleHashes()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

/** A started toolkit whose tool `wait` runs until it is ended. */
async function serving(options: Partial<ToolKitClientOptions> = {}): Promise<Peer> {
  client = makeClient(server, options)
  log = recordEvents(client)
  client.registerTool({ name: 'wait', description: 'Waits' }, (_args, { signal }) => {
    signals.push(signal)
    return new Promise((resolve) => ends.push(resolve))
  })
  const starting = client.start()
  const peer = await server.welcome({ capabilities: ['results'] })
  await acceptTools(peer)
  await starting
  return peer
}

const call = (more: Partial<ToolkitCallFrame> = {}): ToolkitCallFrame => ({
  ...{ type: 'call', requestId: 'c1', tool: 'wait', params: {}, deadlineMs: 600_000 },
  ...{ leaseId: 'l1', leaseMs: 30_000 },
  ...more,
})

const acked = (peer: Peer, leaseId = 'l1', requestId = 'c1'): void => peer.send({ type: 'acked', requestId, leaseId })
const lost = (peer: Peer, code: 'lease_lost' | 'store_unavailable' = 'lease_lost', requestId = 'c1'): void =>
  peer.send({ type: 'error', requestId, error: { code, message: 'no', retryable: code !== 'lease_lost' } })
/** How many acks came, those under way included. */
async function acks(peer: Peer): Promise<number> {
  await vi.advanceTimersByTimeAsync(0)
  return peer.types.filter((type) => type === 'ack').length
}

/** A call that runs under its lease. */
async function running(peer: Peer): Promise<void> {
  peer.send(call())
  await peer.next('ack')
  acked(peer)
  await vi.advanceTimersByTimeAsync(0)
  expect(ends).toHaveLength(1)
}

describe('a call with a lease', () => {
  it('is asked for and runs only once that is granted; its result names the lease', async () => {
    const peer = await serving()
    peer.send(call())
    await expect(peer.next('ack')).resolves.toEqual({ type: 'ack', requestId: 'c1', leaseId: 'l1' })
    acked(peer, 'another')
    acked(peer, 'l1', 'c0')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(ends).toHaveLength(0)
    acked(peer)
    await vi.waitFor(() => expect(ends).toHaveLength(1))
    ends[0]?.('done')
    await expect(peer.next('result')).resolves.toMatchObject({ requestId: 'c1', leaseId: 'l1', result: 'done' })
    expect(log.events).toContain('call c1 wait ok')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await acks(peer)).toBe(1)
  })

  it('does not run when the lease is lost already', async () => {
    const peer = await serving()
    peer.send(call())
    await peer.next('ack')
    lost(peer)
    acked(peer)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(ends).toHaveLength(0)
    expect(await acks(peer)).toBe(1)
    expect(peer.types).not.toContain('result')
  })

  it('does not run when nothing is said for as long as the lease holds, also if that comes later', async () => {
    const peer = await serving()
    peer.send(call())
    await vi.advanceTimersByTimeAsync(30_000)
    acked(peer)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(ends).toHaveLength(0)
    expect(peer.types).not.toContain('result')
  })

  it('is asked for again while the server cannot say', async () => {
    const peer = await serving()
    peer.send(call())
    await peer.next('ack')
    lost(peer, 'store_unavailable')
    await vi.advanceTimersByTimeAsync(10_000)
    await peer.next('ack')
    acked(peer)
    await vi.waitFor(() => expect(ends).toHaveLength(1))
  })

  it('is renewed every third of the lease while it runs', async () => {
    const peer = await serving()
    await running(peer)
    for (let round = 2; round <= 12; round += 1) {
      await vi.advanceTimersByTimeAsync(9_999)
      expect(await acks(peer)).toBe(round - 1)
      await vi.advanceTimersByTimeAsync(1)
      expect(await acks(peer)).toBe(round)
      acked(peer)
    }
    expect(signals[0]?.aborted).toBe(false)
  })

  it('is cancelled when a renewal is refused, and its result dropped', async () => {
    const peer = await serving()
    await running(peer)
    await vi.advanceTimersByTimeAsync(10_000)
    lost(peer)
    await vi.waitFor(() => expect(signals[0]?.aborted).toBe(true))
    expect(signals[0]?.reason).toMatchObject({ message: expect.stringContaining('the lease was lost') })
    ends[0]?.('nobody wants it')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(peer.types).not.toContain('result')
    expect(await acks(peer)).toBe(2)
  })

  it('goes on when a renewal fails for another reason, or gets no answer', async () => {
    const peer = await serving()
    await running(peer)
    await vi.advanceTimersByTimeAsync(10_000)
    lost(peer, 'store_unavailable')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(signals[0]?.aborted).toBe(false)
    ends[0]?.('done')
    await peer.take(7, 'ack')
    await expect(peer.next('result')).resolves.toMatchObject({ leaseId: 'l1', result: 'done' })
  })

  it('of an unknown tool is asked for as well, and then answered', async () => {
    const peer = await serving()
    peer.send(call({ tool: 'nothing' }))
    await peer.next('ack')
    acked(peer)
    await expect(peer.next('result')).resolves.toMatchObject({
      leaseId: 'l1',
      error: { code: 'tool_not_found' },
    })
  })

  it('takes a slot from the start, and is left to others when there is none', async () => {
    const peer = await serving({ maxConcurrency: 1 })
    peer.send(call())
    await peer.next('ack')
    peer.send(call({ requestId: 'c2', leaseId: 'l2' }))
    peer.send({ type: 'call', requestId: 'live', tool: 'first', params: {}, deadlineMs: 1_000 })
    await expect(peer.next('result')).resolves.toMatchObject({ requestId: 'live', error: { code: 'busy' } })
    lost(peer)
    await vi.advanceTimersByTimeAsync(0)
    peer.send({ type: 'call', requestId: 'live2', tool: 'first', params: {}, deadlineMs: 1_000 })
    await expect(peer.next('result')).resolves.toMatchObject({ requestId: 'live2', ok: true })
    expect(await acks(peer)).toBe(1)
  })

  it('that is delivered anew ends the run of the old lease', async () => {
    const peer = await serving()
    await running(peer)
    peer.send(call({ leaseId: 'l2' }))
    await expect(peer.next('ack')).resolves.toMatchObject({ leaseId: 'l2' })
    acked(peer, 'l2')
    await vi.waitFor(() => expect(ends).toHaveLength(2))
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
    ends[0]?.('old')
    ends[1]?.('new')
    await expect(peer.next('result')).resolves.toMatchObject({ leaseId: 'l2', result: 'new' })
  })

  it('that is delivered twice under one lease runs once', async () => {
    const peer = await serving()
    await running(peer)
    peer.send(call())
    await vi.advanceTimersByTimeAsync(0)
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    ends[0]?.('once')
    await expect(peer.next('result')).resolves.toMatchObject({ result: 'once' })
    expect(await acks(peer)).toBe(1)
  })

  it.each([0.001, 1e12])(
    'whose lease holds %d ms is neither asked for all the time nor given up at once',
    async (leaseMs) => {
      const peer = await serving()
      peer.send(call({ leaseMs }))
      await peer.next('ack')
      acked(peer)
      await vi.advanceTimersByTimeAsync(1_000)
      expect(ends).toHaveLength(1)
      expect(await acks(peer)).toBeLessThan(12)
    },
  )

  it('is asked for again on the next connection, whether it waits or runs', async () => {
    const first = await serving()
    await running(first)
    first.send(call({ requestId: 'c2', leaseId: 'l2' }))
    await first.next('ack')
    first.raw.terminate()
    await vi.advanceTimersByTimeAsync(250)
    const second = await server.welcome({ capabilities: ['results'] })
    const { requestIds } = await second.next('running')
    expect(requestIds).toEqual(['c1', 'c2'])
    const asked = await second.take(2, 'ack')
    expect(asked.map(({ leaseId }) => leaseId)).toEqual(['l1', 'l2'])
    acked(second)
    acked(second, 'l2', 'c2')
    await vi.waitFor(() => expect(ends).toHaveLength(2))
    await acceptTools(second)
    ends[1]?.('over the second one')
    await expect(second.next('result')).resolves.toMatchObject({ requestId: 'c2', leaseId: 'l2' })
  })

  it('keeps its run and its result when the server refuses an earlier lease of it', async () => {
    const peer = await serving()
    await running(peer)
    const earlier = (): void =>
      peer.send({
        type: 'error',
        requestId: 'c1',
        error: { code: 'lease_lost', message: 'no', retryable: false, details: { lease_id: 'l0' } },
      })
    earlier()
    await vi.advanceTimersByTimeAsync(0)
    expect(signals[0]?.aborted).toBe(false)
    ends[0]?.('done')
    await peer.next('result')
    earlier()
    await vi.advanceTimersByTimeAsync(0)
    peer.raw.terminate()
    await vi.advanceTimersByTimeAsync(250)
    const second = await server.welcome({ capabilities: ['results'] })
    await expect(second.next('running')).resolves.toMatchObject({ requestIds: ['c1'] })
    await expect(second.next('result')).resolves.toMatchObject({ leaseId: 'l1', result: 'done' })
    await acceptTools(second)
  })

  it('that cannot be read is answered under its lease, and the answer is kept like any other', async () => {
    const peer = await serving()
    peer.raw.send('{"type":"call","request_id":"c9","lease_id":"l9","tool":7,"params":{},"deadline_ms":1}')
    const refusal = { requestId: 'c9', leaseId: 'l9', ok: false, error: { code: 'invalid_request' } }
    await expect(peer.next('result')).resolves.toMatchObject(refusal)
    peer.raw.terminate()
    await vi.advanceTimersByTimeAsync(250)
    const second = await server.welcome({ capabilities: ['results'] })
    await expect(second.next('running')).resolves.toMatchObject({ requestIds: ['c9'] })
    await expect(second.next('result')).resolves.toMatchObject(refusal)
    await acceptTools(second)
  })

  it('that runs has no second outcome because of another frame about it that cannot be read', async () => {
    const peer = await serving()
    await running(peer)
    peer.raw.send('{"type":"acked","request_id":"c1","lease_id":7}')
    peer.raw.send('{"type":"cancel","request_id":"c1","reason":7}')
    await vi.advanceTimersByTimeAsync(0)
    ends[0]?.('done')
    await expect(peer.next('result')).resolves.toMatchObject({ ok: true, result: 'done' })
  })

  it('is waited for by stop, which would otherwise leave it to nobody', async () => {
    const peer = await serving()
    peer.send(call())
    await peer.next('ack')
    const stopping = client.stop()
    await peer.next('drain')
    acked(peer)
    await vi.waitFor(() => expect(ends).toHaveLength(1))
    ends[0]?.('done')
    await expect(peer.next('result')).resolves.toMatchObject({ result: 'done' })
    peer.send({ type: 'received', requestIds: ['c1'] })
    await vi.advanceTimersByTimeAsync(10)
    await stopping
  })

  it('is not asked for any more while the toolkit stops', async () => {
    const peer = await serving()
    await running(peer)
    const stopping = client.stop()
    await peer.next('drain')
    peer.send(call({ requestId: 'c2', leaseId: 'l2' }))
    await vi.advanceTimersByTimeAsync(1_000)
    ends[0]?.('done')
    await vi.advanceTimersByTimeAsync(9_000)
    await stopping
    await peer.closed
    expect(peer.types.filter((type) => type === 'ack')).toHaveLength(1)
    expect(peer.types.filter((type) => type === 'result')).toHaveLength(1)
  })
})
