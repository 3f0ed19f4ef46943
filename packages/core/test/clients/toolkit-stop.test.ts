import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ToolKitClient, ToolKitClientOptions } from '../../src/clients/toolkit-client.ts'
import type { FromToolkitFrame } from '../../src/protocol/frames.ts'
import { type ScriptedPeer, type ScriptedServer, toolkitServer } from './scripted-server.ts'
import { acceptTools, type ClientLog, makeClient, recordEvents } from './toolkit-support.ts'

let server: ScriptedServer<FromToolkitFrame>
let client: ToolKitClient
let log: ClientLog
let ends: ((value: string) => void)[]
let signals: AbortSignal[]

beforeEach(() => {
  vi.useFakeTimers()
  server = toolkitServer()
})
afterEach(async () => {
  await client.stop()
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

/** A started toolkit whose tool `wait` runs until it is ended. */
async function serving(options: Partial<ToolKitClientOptions> = {}): Promise<ScriptedPeer<FromToolkitFrame>> {
  client = makeClient(server, options)
  log = recordEvents(client)
  ends = []
  signals = []
  client.registerTool({ name: 'wait', description: 'Waits', annotations: { title: 'Wait' } }, (_args, { signal }) => {
    signals.push(signal)
    return new Promise((resolve) => ends.push(resolve))
  })
  const starting = client.start()
  const peer = await server.welcome()
  await acceptTools(peer)
  await starting
  return peer
}

async function callOf(peer: ScriptedPeer<FromToolkitFrame>, requestId: string, running: number): Promise<void> {
  peer.send({ type: 'call', requestId, tool: 'wait', params: {}, deadlineMs: 120_000 })
  await vi.waitFor(() => expect(ends).toHaveLength(running))
}

describe('stopping a ToolKitClient', () => {
  it('closes at once when nothing runs', async () => {
    const peer = await serving()
    await client.stop()
    await expect(peer.closed).resolves.toEqual({ code: 1000, reason: 'client stopped' })
    expect(client.state).toBe('stopped')
    expect(peer.types).toEqual(['hello', 'register'])
    expect(log.events).toEqual(['connected t1', 'disconnected'])
  })

  it('answers the running calls before it closes', async () => {
    const peer = await serving()
    await callOf(peer, 'c1', 1)
    await callOf(peer, 'c2', 2)
    const done = vi.fn()
    const stopping = client.stop().then(done)
    expect(client.state).toBe('stopping')
    await expect(peer.next('drain')).resolves.toEqual({ type: 'drain', deadlineMs: 10_000 })
    ends[0]?.('first')
    await expect(peer.next('result')).resolves.toMatchObject({ requestId: 'c1', result: 'first' })
    expect(done).not.toHaveBeenCalled()
    ends[1]?.('second')
    await stopping
    await peer.closed
    expect(peer.types.slice(2)).toEqual(['drain', 'result', 'result'])
    expect(log.events).toEqual(['connected t1', 'call c1 wait ok', 'call c2 wait ok', 'disconnected'])
  })

  it('answers new calls with busy while it stops', async () => {
    const peer = await serving()
    await callOf(peer, 'c1', 1)
    const stopping = client.stop()
    await peer.next('drain')
    peer.send({ type: 'call', requestId: 'c2', tool: 'first', params: {}, deadlineMs: 1_000 })
    await expect(peer.next('result')).resolves.toMatchObject({
      requestId: 'c2',
      error: { code: 'busy', message: expect.stringContaining('stopping'), retryable: true },
    })
    ends[0]?.('done')
    await stopping
  })

  it('is one stop however often it is asked for', async () => {
    const peer = await serving()
    await callOf(peer, 'c1', 1)
    const stops = [client.stop(), client.stop()]
    await peer.next('drain')
    ends[0]?.('done')
    await Promise.all([...stops, client.stop()])
    await peer.closed
    expect(peer.types.filter((type) => type === 'drain')).toHaveLength(1)
    expect(log.events.filter((event) => event === 'disconnected')).toHaveLength(1)
  })

  it('waits no longer than it should, and then tells the handlers', async () => {
    const peer = await serving({ drainTimeoutMs: 3_000 })
    await callOf(peer, 'c1', 1)
    const stopping = client.stop()
    await expect(peer.next('drain')).resolves.toMatchObject({ deadlineMs: 3_000 })
    await vi.advanceTimersByTimeAsync(2_999)
    expect(client.state).toBe('stopping')
    expect(signals[0]?.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    await stopping
    expect(signals[0]?.aborted).toBe(true)
    await peer.closed
    // Nobody may believe that its caller cancelled it: a lost connection says that the outcome is unknown.
    expect(peer.types).toEqual(['hello', 'register', 'drain'])
  })

  it('does not wait for a handler that outlived its call', async () => {
    const peer = await serving()
    peer.send({ type: 'call', requestId: 'c1', tool: 'wait', params: {}, deadlineMs: 1_000 })
    await vi.advanceTimersByTimeAsync(1_000)
    await peer.next('result')
    await client.stop()
    expect(client.state).toBe('stopped')
    expect(peer.types).not.toContain('drain')
  })

  it('does not connect again when the connection is lost meanwhile', async () => {
    const peer = await serving()
    await callOf(peer, 'c1', 1)
    const stopping = client.stop()
    await peer.next('drain')
    peer.raw.terminate()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(server.memory.attempts).toBe(1)
    ends[0]?.('nobody hears it')
    await stopping
    expect(log.events).toEqual(['connected t1', 'call c1 wait ok', 'disconnected'])
  })

  it('lets a start that comes meanwhile begin after it', async () => {
    const peer = await serving()
    await callOf(peer, 'c1', 1)
    const stopping = client.stop()
    const starting = client.start()
    await peer.next('drain')
    ends[0]?.('done')
    await stopping
    const second = await server.welcome()
    await acceptTools(second)
    await starting
    expect(client.state).toBe('connected')
    await callOf(second, 'c2', 2)
    ends[1]?.('again')
    await expect(second.next('result')).resolves.toMatchObject({ requestId: 'c2', result: 'again' })
  })

  it('wins over a start that came before it', async () => {
    const peer = await serving()
    await callOf(peer, 'c1', 1)
    const stopping = client.stop()
    const starting = expect(client.start()).rejects.toMatchObject({ code: 'client_stopped' })
    const again = client.stop()
    ends[0]?.('done')
    await Promise.all([stopping, again, starting])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(client.state).toBe('stopped')
    expect(server.memory.attempts).toBe(1)
  })

  it('leaves the connection that follows alone, whatever still comes over the old one', async () => {
    const first = await serving()
    first.raw.mute()
    await client.stop()
    const starting = client.start()
    const second = await server.welcome()
    first.raw.terminate()
    const frame = await second.next('register')
    first.send({ type: 'call', requestId: 'c1', tool: 'wait', params: {}, deadlineMs: 1_000 })
    await acceptTools(second, frame)
    await starting
    await vi.advanceTimersByTimeAsync(10_000)
    expect(client.state).toBe('connected')
    expect(ends).toHaveLength(0)
  })
})
