import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ToolKitClient } from '../../src/clients/toolkit-client.ts'
import type { FromToolkitFrame, RegisterFrame } from '../../src/protocol/frames.ts'
import { type ScriptedPeer, type ScriptedServer, toolkitServer } from './scripted-server.ts'
import { acceptTools, makeClient, toolNames } from './toolkit-support.ts'

let server: ScriptedServer<FromToolkitFrame>
let client: ToolKitClient

beforeEach(() => {
  vi.useFakeTimers()
  server = toolkitServer()
  client = makeClient(server)
})
afterEach(async () => {
  await client.stop()
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const add = (name: string, description = `Does ${name}`): void => {
  client.registerTool({ name, description }, () => name)
}

async function started(): Promise<{ peer: ScriptedPeer<FromToolkitFrame>; hash: string }> {
  const starting = client.start()
  const peer = await server.welcome()
  const { toolkitHash } = await acceptTools(peer)
  await starting
  return { peer, hash: toolkitHash }
}

const reject = (name: string) => ({ rejected: [{ name, code: 'invalid_schema', message: `"${name}" is odd` }] })

describe('changing the tools while connected', () => {
  it('tells many tools registered in one turn in one frame', async () => {
    const { peer } = await started()
    for (let index = 0; index < 100; index += 1) add(`tool_${index}`)
    const frame = await peer.next('register')
    expect(frame.tools).toHaveLength(101)
    await acceptTools(peer, frame)
    await client.whenRegistered()
    expect(peer.types).toEqual(['hello', 'register', 'register'])
  })

  it('tells what changed during a registration afterwards, once', async () => {
    const { peer } = await started()
    add('second')
    const frame = await peer.next('register')
    add('third')
    client.removeTool('first')
    add('fourth')
    await acceptTools(peer, frame)
    const next = await peer.next('register')
    expect(toolNames(next)).toEqual(['second', 'third', 'fourth'])
    await acceptTools(peer, next)
    await client.whenRegistered()
    expect(peer.types).toHaveLength(4)
  })

  it('names only the removed tools, and the hash of those that stay', async () => {
    add('second')
    add('third')
    const { peer } = await started()
    client.removeTool('first')
    client.removeTool('third')
    const frame = await peer.next('unregister')
    expect(frame.tools).toEqual(['first', 'third'])
    await acceptTools(peer, frame)
    await client.whenRegistered()
    peer.raw.close(1012, '')
    await vi.advanceTimersByTimeAsync(500)
    const second = await server.welcome({ toolkitHash: frame.toolkitHash })
    expect((await second.next('register')).toolkitHash).toBe(frame.toolkitHash)
  })

  it('can remove the last tool', async () => {
    const { peer } = await started()
    client.removeTool('first')
    const frame = await peer.next('unregister')
    expect(frame.tools).toEqual(['first'])
    await acceptTools(peer, frame)
    await client.whenRegistered()
  })

  it('registers a tool that was replaced by another description', async () => {
    const { peer } = await started()
    client.removeTool('first')
    add('first', 'Another one')
    const frame = await peer.next('register')
    expect(frame.tools).toMatchObject([{ name: 'first', description: 'Another one' }])
    await acceptTools(peer, frame)
    await client.whenRegistered()
  })

  it('tells nothing when nothing changed in the end', async () => {
    const { peer } = await started()
    add('second')
    client.removeTool('second')
    await client.whenRegistered()
    expect(peer.types).toEqual(['hello', 'register'])
  })

  it('does not leave out a new caption when tools are removed in the same turn', async () => {
    add('second')
    const { peer } = await started()
    client.caption = 'New'
    client.removeTool('second')
    const frame = await peer.next('register')
    expect(frame).toMatchObject({ caption: 'New', tools: [{ name: 'first' }] })
    await acceptTools(peer, frame)
    await client.whenRegistered()
  })

  it('rejects whoever waits with the names of tools that are not taken, and stays connected', async () => {
    const { peer } = await started()
    add('odd')
    const waiting = expect(client.whenRegistered()).rejects.toMatchObject({
      code: 'registration_rejected',
      message: expect.stringContaining('"odd" is odd'),
    })
    await acceptTools(peer, undefined, reject('odd'))
    await waiting
    expect(client.state).toBe('connected')
  })

  it('tells everything anew after a rejection: what was taken with the bad tool must not stay behind', async () => {
    const { peer } = await started()
    add('good')
    add('odd')
    const waiting = client.whenRegistered().catch(() => 'rejected')
    await acceptTools(peer, undefined, reject('odd'))
    await expect(waiting).resolves.toBe('rejected')
    client.removeTool('odd')
    client.removeTool('good')
    const frame = await peer.next('register')
    expect(toolNames(frame)).toEqual(['first'])
    await acceptTools(peer, frame)
    await client.whenRegistered()
  })

  it('does not lose a change made while a registration fails', async () => {
    const { peer } = await started()
    add('odd')
    const frame = await peer.next('register')
    add('good')
    await acceptTools(peer, frame, reject('odd'))
    const next = (await peer.next('register')) as RegisterFrame
    expect(toolNames(next)).toEqual(['first', 'odd', 'good'])
    const waiting = expect(client.whenRegistered()).rejects.toMatchObject({ code: 'registration_rejected' })
    await acceptTools(peer, next, reject('odd'))
    await waiting
  })

  it('leaves no rejection unhandled when nobody waits', async () => {
    const { peer } = await started()
    add('second')
    await peer.next('register')
    peer.raw.terminate()
    await vi.advanceTimersByTimeAsync(500)
    await acceptTools(await server.welcome())
    await vi.waitFor(() => expect(client.state).toBe('connected'))
  })
})

describe('waiting until the tools are registered', () => {
  it('waits for the connection, and for what was added while it was lost', async () => {
    const { peer } = await started()
    peer.raw.terminate()
    await vi.advanceTimersByTimeAsync(1)
    expect(client.state).toBe('reconnecting')
    add('second')
    const done = vi.fn()
    const waiting = client.whenRegistered().then(done)
    await vi.advanceTimersByTimeAsync(500)
    const second = await server.welcome()
    const frame = await second.next('register')
    expect(toolNames(frame)).toEqual(['first', 'second'])
    expect(done).not.toHaveBeenCalled()
    await acceptTools(second, frame)
    await waiting
  })

  it('waits for the first connection, also in the turn that starts it', async () => {
    const starting = client.start()
    const done = vi.fn()
    const waiting = client.whenRegistered().then(done)
    const peer = await server.welcome()
    const frame = await peer.next('register')
    expect(done).not.toHaveBeenCalled()
    await acceptTools(peer, frame)
    await Promise.all([starting, waiting])
  })

  it('resolves at once when there is nothing to tell', async () => {
    await started()
    await client.whenRegistered()
  })

  it('says that the client must be started first', async () => {
    await expect(client.whenRegistered()).rejects.toMatchObject({
      code: 'client_stopped',
      message: expect.stringMatching(/"demo" is idle: start it/),
    })
    await started()
    await client.stop()
    await expect(client.whenRegistered()).rejects.toMatchObject({ code: 'client_stopped' })
  })

  it('rejects when the connection is lost meanwhile', async () => {
    const { peer } = await started()
    add('second')
    const waiting = expect(client.whenRegistered()).rejects.toMatchObject({ code: 'connection_closed' })
    await peer.next('register')
    peer.raw.terminate()
    await waiting
  })
})
