import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ToolKitClient } from '../../src/clients/toolkit-client.ts'
import type { FromToolkitFrame } from '../../src/protocol/frames.ts'
import { type ScriptedPeer, type ScriptedServer, toolkitServer } from './scripted-server.ts'
import { acceptTools, type ClientLog, makeClient, recordEvents, settleHashes } from './toolkit-support.ts'

type Peer = ScriptedPeer<FromToolkitFrame>

let server: ScriptedServer<FromToolkitFrame>
let client: ToolKitClient
let log: ClientLog
let ends: Map<string, (value: unknown) => void>

beforeEach(() => {
  vi.useFakeTimers()
  server = toolkitServer()
  ends = new Map()
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
async function serving(): Promise<Peer> {
  client = makeClient(server)
  log = recordEvents(client)
  client.registerTool({ name: 'wait', description: 'Waits' }, (_args, { callId }) => {
    return new Promise((resolve) => ends.set(callId, resolve))
  })
  const starting = client.start()
  const peer = await server.welcome({ capabilities: ['results'] })
  await acceptTools(peer)
  await starting
  return peer
}

async function callOf(peer: Peer, requestId: string, tool = 'wait'): Promise<void> {
  peer.send({ type: 'call', requestId, tool, params: {}, deadlineMs: 600_000 })
  await vi.advanceTimersByTimeAsync(0)
}

/** The connection to which the client moves. */
async function moved(from: Peer): Promise<Peer> {
  from.send({ type: 'drain', deadlineMs: 20_000 })
  await vi.advanceTimersByTimeAsync(500)
  const peer = await server.welcome({ capabilities: ['results'] })
  await peer.next('running')
  await acceptTools(peer)
  await vi.advanceTimersByTimeAsync(0)
  expect(client.state).toBe('connected')
  return peer
}

describe('a toolkit whose server drains', () => {
  it('moves before the old connection closes, without being disconnected', async () => {
    const first = await serving()
    const second = await moved(first)
    await callOf(second, 'c1', 'first')
    await expect(second.next('result')).resolves.toMatchObject({ requestId: 'c1' })
    first.raw.close(1012, 'restart')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(client.state).toBe('connected')
    expect(server.memory.attempts).toBe(2)
    expect(log.events).toEqual(['connected t1', 'call c1 first ok'])
  })

  it('answers the calls of the old connection there while it is open', async () => {
    const first = await serving()
    await callOf(first, 'c1')
    await callOf(first, 'c2')
    const second = await moved(first)
    ends.get('c1')?.('over the old one')
    await expect(first.next('result')).resolves.toMatchObject({ requestId: 'c1' })
    first.send({ type: 'received', requestIds: ['c1'] })
    await vi.advanceTimersByTimeAsync(0)
    first.raw.close(1012, 'restart')
    await vi.advanceTimersByTimeAsync(0)
    ends.get('c2')?.('over the new one')
    await expect(second.next('result')).resolves.toMatchObject({ requestId: 'c2' })
    expect(second.types).toEqual(['hello', 'running', 'register', 'result'])
  })

  it('names its running calls and unacknowledged results on the new one, which may be the same server', async () => {
    const first = await serving()
    await callOf(first, 'c1')
    await callOf(first, 'c2', 'first')
    await first.next('result')
    first.send({ type: 'drain', deadlineMs: 20_000 })
    await vi.advanceTimersByTimeAsync(500)
    const second = await server.welcome({ capabilities: ['results'] })
    await expect(second.next('running')).resolves.toMatchObject({ requestIds: ['c1', 'c2'] })
    const frame = await second.next('register')
    expect(second.types).toEqual(['hello', 'running', 'register'])
    await acceptTools(second, frame)
    first.raw.close(4409, 'superseded')
    await expect(second.next('result')).resolves.toMatchObject({ requestId: 'c2' })
    expect(client.state).toBe('connected')
  })

  it('waits for the calls of both connections when it stops', async () => {
    const first = await serving()
    await callOf(first, 'c1')
    const second = await moved(first)
    await callOf(second, 'c2')
    const stopping = client.stop()
    await first.next('drain')
    await second.next('drain')
    ends.get('c2')?.('new')
    ends.get('c1')?.('old')
    await expect(first.next('result')).resolves.toMatchObject({ requestId: 'c1' })
    await expect(second.next('result')).resolves.toMatchObject({ requestId: 'c2' })
    second.send({ type: 'received', requestIds: ['c1', 'c2'] })
    await vi.advanceTimersByTimeAsync(10)
    await stopping
    await expect(first.closed).resolves.toMatchObject({ code: 1000 })
    await expect(second.closed).resolves.toMatchObject({ code: 1000 })
  })

  it('is disconnected once when nobody takes it before the old connection ends', async () => {
    const first = await serving()
    server.memory.hang = true
    first.send({ type: 'drain', deadlineMs: 20_000 })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(client.state).toBe('moving')
    first.raw.close(1012, 'restart')
    await vi.advanceTimersByTimeAsync(0)
    expect(log.events).toEqual(['connected t1', 'disconnected connection_closed', 'reconnecting connection_closed'])
  })
})

describe('an old connection of a toolkit', () => {
  it('that ends late does not touch the one that took its place', async () => {
    const first = await serving()
    const second = await moved(first)
    client.registerTool({ name: 'later', description: 'Registered while the old one ends' }, () => 1)
    const frame = await second.next('register')
    first.raw.terminate()
    await vi.advanceTimersByTimeAsync(0)
    await acceptTools(second, frame)
    await client.whenRegistered()
    expect(client.state).toBe('connected')
  })

  it('that answers a registration late does not change what the new one was told', async () => {
    const first = await serving()
    const add = (name: string): void => void client.registerTool({ name, description: `Does ${name}` }, () => 1)
    add('second')
    const late = await first.next('register')
    add('third')
    const second = await moved(first)
    await acceptTools(first, late)
    await vi.advanceTimersByTimeAsync(0)
    client.removeTool('third')
    const frame = await second.next('unregister')
    expect(frame.tools).toEqual(['third'])
    await acceptTools(second, frame)
    await client.whenRegistered()
  })

  it('that the server closes as superseded ends the client only when it was the newest', async () => {
    const first = await serving()
    first.raw.close(4409, 'superseded by a newer connection')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(client.state).toBe('refused')
    expect(log.events).toEqual(['connected t1', 'disconnected toolkit_name_conflict'])
    await expect(client.whenRegistered()).rejects.toMatchObject({ code: 'client_stopped' })
    expect(server.memory.attempts).toBe(1)
  })
})
