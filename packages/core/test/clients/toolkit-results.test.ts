import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ToolKitClient } from '../../src/clients/toolkit-client.ts'
import type { FromToolkitFrame } from '../../src/protocol/frames.ts'
import { type ScriptedPeer, type ScriptedServer, toolkitServer } from './scripted-server.ts'
import { acceptTools, makeClient, settleHashes } from './toolkit-support.ts'

type Peer = ScriptedPeer<FromToolkitFrame>

let server: ScriptedServer<FromToolkitFrame>
let client: ToolKitClient
let ends: Map<string, (value: unknown) => void>
let signals: AbortSignal[]
let logged: string[]

beforeEach(() => {
  vi.useFakeTimers()
  server = toolkitServer()
  ends = new Map()
  signals = []
  logged = []
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
async function serving(capabilities = ['results']): Promise<Peer> {
  const log = (event: string): void => void logged.push(event)
  client = makeClient(server, { logger: { debug: log, info: log, warn: log, error: log }, maxConcurrency: 2_000 })
  client.registerTool({ name: 'wait', description: 'Waits' }, (_args, { callId, signal }) => {
    signals.push(signal)
    return new Promise((resolve) => ends.set(callId, resolve))
  })
  client.registerTool({ name: 'big', description: 'Is large' }, () => 'x'.repeat(1_000_000))
  const starting = client.start()
  const peer = await server.welcome({ capabilities })
  await acceptTools(peer)
  await starting
  return peer
}

async function callOf(peer: Peer, requestId: string, tool = 'wait'): Promise<void> {
  peer.send({ type: 'call', requestId, tool, params: {}, deadlineMs: 600_000 })
  await vi.advanceTimersByTimeAsync(0)
}

async function resultOf(peer: Peer, requestId: string): Promise<void> {
  await callOf(peer, requestId, 'first')
  await expect(peer.next('result')).resolves.toMatchObject({ requestId })
}

/** Loses a connection and gives the next one. */
async function reconnected(peer: Peer, capabilities = ['results']): Promise<Peer> {
  // Lets what is under way arrive.
  await vi.advanceTimersByTimeAsync(0)
  peer.raw.terminate()
  return nextConnection(capabilities)
}

async function nextConnection(capabilities = ['results']): Promise<Peer> {
  const { attempts } = server.memory
  while (server.memory.attempts === attempts) await vi.advanceTimersByTimeAsync(250)
  return server.welcome({ capabilities })
}

describe('a toolkit whose server keeps the calls of a lost connection', () => {
  it('announces that it keeps results', async () => {
    const peer = await serving()
    expect(peer.hello?.capabilities).toEqual(['results'])
  })

  it('says nothing of earlier calls on its first connection', async () => {
    const peer = await serving()
    expect(peer.types).toEqual(['hello', 'register'])
  })

  it('sends results that were not acknowledged again, as they were, after it said which', async () => {
    const first = await serving()
    for (const id of ['c1', 'c2', 'c3']) await resultOf(first, id)
    first.send({ type: 'received', requestIds: ['c2', 'unknown'] })
    const second = await reconnected(first)
    expect(second.hello?.instanceId).toBe(first.hello?.instanceId)
    await expect(second.next('running')).resolves.toEqual({ type: 'running', requestIds: ['c1', 'c3'], complete: true })
    const again = await second.take(2, 'result')
    expect(again.map(({ requestId }) => requestId)).toEqual(['c1', 'c3'])
    const texts = first.raw.received.all.filter((text) => /"c[13]"/.test(text))
    expect(second.raw.received.all.slice(2, 4)).toEqual(texts)
    await acceptTools(second)
    second.send({ type: 'received', requestIds: ['c1', 'c3'] })
    const third = await reconnected(second)
    await expect(third.next('running')).resolves.toEqual({ type: 'running', requestIds: [], complete: true })
    await acceptTools(third)
    expect(third.types).not.toContain('result')
  })

  it('lets calls run on, and answers them over the next connection', async () => {
    const first = await serving()
    await callOf(first, 'c1')
    const second = await reconnected(first)
    await expect(second.next('running')).resolves.toMatchObject({ requestIds: ['c1'] })
    await acceptTools(second)
    expect(signals[0]?.aborted).toBe(false)
    ends.get('c1')?.('late')
    await expect(second.next('result')).resolves.toMatchObject({ requestId: 'c1', result: 'late' })
  })

  it('sends what ended without a connection once there is one', async () => {
    const first = await serving()
    await callOf(first, 'c1')
    first.raw.terminate()
    await vi.advanceTimersByTimeAsync(0)
    ends.get('c1')?.('meanwhile')
    const second = await nextConnection()
    await expect(second.next('running')).resolves.toMatchObject({ requestIds: ['c1'] })
    await expect(second.next('result')).resolves.toMatchObject({ requestId: 'c1', result: 'meanwhile' })
    await acceptTools(second)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(second.types.filter((type) => type === 'result')).toHaveLength(1)
  })

  it('can be told to cancel a call of the lost connection over the next one', async () => {
    const first = await serving()
    await callOf(first, 'c1')
    const second = await reconnected(first)
    await second.next('running')
    await acceptTools(second)
    second.send({ type: 'cancel', requestId: 'c1', reason: 'too late' })
    await expect(second.next('result')).resolves.toMatchObject({ requestId: 'c1', error: { code: 'cancelled' } })
  })

  it('tells it again when the registration failed and the next connection took its place', async () => {
    const first = await serving()
    await resultOf(first, 'c1')
    const second = await reconnected(first)
    await second.next('running')
    await second.next('result')
    const third = await reconnected(second)
    await expect(third.next('running')).resolves.toMatchObject({ requestIds: ['c1'] })
    await expect(third.next('result')).resolves.toMatchObject({ requestId: 'c1' })
    await acceptTools(third)
  })

  it('keeps no result that the server refuses', async () => {
    const first = await serving()
    await resultOf(first, 'c1')
    await resultOf(first, 'c2')
    first.send({ type: 'error', requestId: 'c1', error: { code: 'lease_lost', message: 'no', retryable: false } })
    first.send({ type: 'error', requestId: 'c2', error: { code: 'store_unavailable', message: 'no', retryable: true } })
    const second = await reconnected(first)
    await expect(second.next('running')).resolves.toMatchObject({ requestIds: ['c2'], complete: false })
  })

  it('keeps 1,024 results at most, the newest ones', async () => {
    const first = await serving()
    for (let index = 0; index < 1_026; index += 1) {
      first.send({ type: 'call', requestId: `c${index}`, tool: 'first', params: {}, deadlineMs: 1_000 })
    }
    await first.take(1_026, 'result')
    expect(logged.filter((event) => event === 'result.not_kept')).toHaveLength(1)
    const second = await reconnected(first)
    const { requestIds, complete } = await second.next('running')
    expect([requestIds.length, requestIds[0], requestIds.at(-1)]).toEqual([1_024, 'c2', 'c1025'])
    expect(complete).toBe(false)
    const again = await second.take(1_024, 'result')
    await acceptTools(second)
    second.send({ type: 'received', requestIds: again.map(({ requestId }) => requestId) })
    const third = await reconnected(second)
    // Also when it has forgotten nothing since.
    await expect(third.next('running')).resolves.toEqual({ type: 'running', requestIds: [], complete: false })
  })

  it('keeps 16 MiB of results at most', async () => {
    const first = await serving()
    for (let index = 0; index < 18; index += 1) await callOf(first, `c${index}`, 'big')
    await first.take(18, 'result')
    const second = await reconnected(first)
    const { requestIds } = await second.next('running')
    expect([requestIds.length, requestIds[0]]).toEqual([16, 'c2'])
  })

  it('stops once the server has the results, even when nothing runs any more', async () => {
    const peer = await serving()
    await resultOf(peer, 'c1')
    const stopping = client.stop()
    await peer.next('drain')
    await vi.advanceTimersByTimeAsync(9_000)
    expect(client.state).toBe('stopping')
    peer.send({ type: 'received', requestIds: ['c1'] })
    await vi.advanceTimersByTimeAsync(10)
    await stopping
    await expect(peer.closed).resolves.toMatchObject({ code: 1000 })
  })

  it.each([
    ['the server says nothing for as long as stop waits for calls', () => vi.advanceTimersByTimeAsync(10_000)],
    ['the connection is lost', (peer: Peer) => peer.raw.terminate()],
  ] as const)('stops without that when %s', async (_when, happen) => {
    const peer = await serving()
    await resultOf(peer, 'c1')
    const stopping = client.stop()
    await happen(peer)
    await vi.advanceTimersByTimeAsync(10)
    await stopping
    expect(client.state).toBe('stopped')
  })

  it('cancels the calls of a lost connection when it stops, and keeps nothing of them', async () => {
    const first = await serving()
    await callOf(first, 'c1')
    await resultOf(first, 'c2')
    first.raw.terminate()
    await vi.advanceTimersByTimeAsync(0)
    await client.stop()
    expect(signals[0]?.aborted).toBe(true)
    const starting = client.start()
    const second = await server.welcome({ capabilities: ['results'] })
    await expect(second.next('running')).resolves.toMatchObject({ requestIds: [] })
    await acceptTools(second)
    await starting
    expect(second.types).not.toContain('result')
  })
})

describe('a toolkit whose server does not', () => {
  it('sends each result once, and none on the next connection', async () => {
    const first = await serving([])
    await resultOf(first, 'c1')
    await callOf(first, 'c2')
    const second = await reconnected(first, [])
    await acceptTools(second)
    expect(signals[0]?.aborted).toBe(false)
    ends.get('c2')?.('nobody waits')
    await resultOf(second, 'c3')
    expect(second.types).toEqual(['hello', 'register', 'result'])
  })

  it('forgets what it kept for one that did', async () => {
    const first = await serving()
    await resultOf(first, 'c1')
    await callOf(first, 'c2')
    const second = await reconnected(first, [])
    await acceptTools(second)
    ends.get('c2')?.('nobody waits')
    await vi.advanceTimersByTimeAsync(0)
    const third = await reconnected(second)
    await acceptTools(third)
    expect(third.types).toEqual(['hello', 'register'])
  })
})
