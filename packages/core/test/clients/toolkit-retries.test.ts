import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ToolKitClient } from '../../src/clients/toolkit-client.ts'
import type { FromToolkitFrame } from '../../src/protocol/frames.ts'
import { type ScriptedPeer, type ScriptedServer, toolkitServer } from './scripted-server.ts'
import { acceptTools, makeClient, settleHashes, toolNames } from './toolkit-support.ts'

let server: ScriptedServer<FromToolkitFrame>
let client: ToolKitClient

beforeEach(() => {
  vi.useFakeTimers()
  server = toolkitServer()
  client = makeClient(server)
})
afterEach(async () => {
  await client.stop()
  await settleHashes()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

type Peer = ScriptedPeer<FromToolkitFrame>

const add = (name: string): void => {
  client.registerTool({ name, description: `Does ${name}` }, () => name)
}

async function started(): Promise<Peer> {
  const starting = client.start()
  const peer = await server.welcome()
  await acceptTools(peer)
  await starting
  return peer
}

async function refuse(peer: Peer, code: 'store_unavailable' | 'forbidden', details?: object): Promise<void> {
  const { requestId } = await peer.next('register')
  const retryable = code === 'store_unavailable'
  peer.send({
    type: 'error',
    requestId,
    error: { code, message: 'not now', retryable, ...(details && { details: { ...details } }) },
  })
  await vi.advanceTimersByTimeAsync(0)
}

/** How many frames came, counting one that is under way. */
const count = async (peer: Peer): Promise<number> => {
  await settleHashes()
  return peer.types.length
}

describe('a change of the tools that the server cannot take at the moment', () => {
  it('is told again with backoff on the same connection, until it is taken', async () => {
    const peer = await started()
    add('second')
    const done = vi.fn()
    const waiting = client.whenRegistered().then(done)
    await refuse(peer, 'store_unavailable')
    await vi.advanceTimersByTimeAsync(249)
    expect(await count(peer)).toBe(3)
    await vi.advanceTimersByTimeAsync(1)
    await refuse(peer, 'store_unavailable')
    await vi.advanceTimersByTimeAsync(499)
    expect(await count(peer)).toBe(4)
    await vi.advanceTimersByTimeAsync(1)
    const frame = await peer.next('register')
    expect(toolNames(frame)).toEqual(['first', 'second'])
    expect(done).not.toHaveBeenCalled()
    await acceptTools(peer, frame)
    await waiting
    expect(client.state).toBe('connected')
  })

  it('waits as long as the server asks for', async () => {
    const peer = await started()
    add('second')
    await refuse(peer, 'store_unavailable', { retryAfterMs: 7_000 })
    await vi.advanceTimersByTimeAsync(7_249)
    expect(await count(peer)).toBe(3)
    await vi.advanceTimersByTimeAsync(1)
    await acceptTools(peer)
    await client.whenRegistered()
  })

  it('is told at once when it changes again', async () => {
    const peer = await started()
    add('second')
    await refuse(peer, 'store_unavailable', { retryAfterMs: 60_000 })
    add('third')
    const frame = await peer.next('register')
    expect(toolNames(frame)).toEqual(['first', 'second', 'third'])
    await acceptTools(peer, frame)
    await client.whenRegistered()
  })

  it('is told again when no answer comes', async () => {
    const peer = await started()
    add('second')
    await peer.next('register')
    await vi.advanceTimersByTimeAsync(31_000)
    await acceptTools(peer)
    await client.whenRegistered()
  })

  it('is left to the next connection when this one is lost', async () => {
    const peer = await started()
    add('second')
    await refuse(peer, 'store_unavailable', { retryAfterMs: 60_000 })
    const waiting = expect(client.whenRegistered()).rejects.toMatchObject({ code: 'connection_closed' })
    peer.raw.terminate()
    await waiting
    await vi.advanceTimersByTimeAsync(500)
    const second = await server.welcome()
    await acceptTools(second)
    await client.whenRegistered()
    await vi.advanceTimersByTimeAsync(120_000)
    expect(await count(second)).toBe(2)
  })

  it('is not told again when that is useless, nor after the client stopped', async () => {
    const peer = await started()
    add('second')
    const waiting = expect(client.whenRegistered()).rejects.toMatchObject({ code: 'forbidden' })
    await refuse(peer, 'forbidden')
    await waiting
    add('third')
    await refuse(peer, 'store_unavailable', { retryAfterMs: 60_000 })
    await client.stop()
    await vi.advanceTimersByTimeAsync(120_000)
    expect(await count(peer)).toBe(4)
  })
})
