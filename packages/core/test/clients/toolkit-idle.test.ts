import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ToolKitClient, ToolKitClientOptions } from '../../src/clients/toolkit-client.ts'
import type { FromToolkitFrame } from '../../src/protocol/frames.ts'
import { type ScriptedPeer, type ScriptedServer, toolkitServer } from './scripted-server.ts'
import { acceptTools, type ClientLog, makeClient, recordEvents, settleHashes } from './toolkit-support.ts'

let server: ScriptedServer<FromToolkitFrame>
let client: ToolKitClient
let log: ClientLog
let end: (value: unknown) => void

beforeEach(() => {
  vi.useFakeTimers()
  server = toolkitServer()
})
afterEach(async () => {
  await client.stop()
  await vi.advanceTimersByTimeAsync(0)
  await settleHashes()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

async function serving(options: Partial<ToolKitClientOptions>): Promise<ScriptedPeer<FromToolkitFrame>> {
  client = makeClient(server, options)
  log = recordEvents(client)
  client.on('idle', ({ idleTimeoutMs }) => log.events.push(`idle ${idleTimeoutMs}`))
  client.registerTool({ name: 'wait', description: 'Waits' }, () => {
    return new Promise((resolve) => {
      end = resolve
    })
  })
  return connect()
}

async function connect(): Promise<ScriptedPeer<FromToolkitFrame>> {
  const starting = client.start()
  const peer = await server.welcome()
  await acceptTools(peer)
  await starting
  peer.raw.ping()
  return peer
}

/** Lets time pass with signs of life. */
async function pass(peer: ScriptedPeer<FromToolkitFrame>, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 20_000) {
    peer.raw.ping()
    await vi.advanceTimersByTimeAsync(Math.min(left, 20_000))
  }
}

const call = (peer: ScriptedPeer<FromToolkitFrame>, tool: string): void =>
  peer.send({ type: 'call', requestId: 'c1', tool, params: {}, deadlineMs: 600_000 })

describe('idleTimeoutMs', () => {
  it('stops a toolkit that is not called for that long', async () => {
    const peer = await serving({ idleTimeoutMs: 300_000 })
    await pass(peer, 299_999)
    expect(client.state).toBe('connected')
    await pass(peer, 1)
    await expect(peer.closed).resolves.toEqual({ code: 1000, reason: 'client stopped' })
    expect(log.events).toEqual(['connected t1', 'idle 300000', 'disconnected'])
  })

  it.each(['first', 'unknown'])('begins anew with each call, such as of tool %s', async (tool) => {
    const peer = await serving({ idleTimeoutMs: 60_000 })
    await pass(peer, 40_000)
    call(peer, tool)
    await pass(peer, 59_000)
    expect(client.state).toBe('connected')
    await pass(peer, 1_000)
    expect(client.state).toBe('stopped')
  })

  it('waits for a call that runs, and as long after it', async () => {
    const peer = await serving({ idleTimeoutMs: 60_000 })
    call(peer, 'wait')
    await pass(peer, 200_000)
    expect(client.state).toBe('connected')
    end('done')
    await pass(peer, 59_000)
    expect(client.state).toBe('connected')
    await pass(peer, 61_000)
    expect(client.state).toBe('stopped')
  })

  it('holds again after the next start', async () => {
    const peer = await serving({ idleTimeoutMs: 60_000 })
    await pass(peer, 60_000)
    expect(client.state).toBe('stopped')
    const second = await connect()
    await pass(second, 59_999)
    expect(client.state).toBe('connected')
    await pass(second, 1)
    expect(client.state).toBe('stopped')
  })

  it.each([undefined, 0])('of %s never stops it', async (idleTimeoutMs) => {
    const peer = await serving(idleTimeoutMs === undefined ? {} : { idleTimeoutMs })
    await pass(peer, 3_600_000)
    expect(client.state).toBe('connected')
  })
})
