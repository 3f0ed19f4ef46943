import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ToolKitClient } from '../../src/clients/toolkit-client.ts'
import { ToolkitRegistration } from '../../src/clients/toolkit-registration.ts'
import { AtpError } from '../../src/errors/atp-error.ts'
import { silentLogger } from '../../src/logging/logger.ts'
import type { FromToolkitFrame } from '../../src/protocol/frames.ts'
import { Toolkit } from '../../src/registry/toolkit.ts'
import { fakeSession } from './fake-sessions.ts'
import { type ScriptedPeer, type ScriptedServer, toolkitServer, welcomeFrame } from './scripted-server.ts'
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

describe('registering after connecting', () => {
  it('tells all tools of the toolkit, their hash and what it says of itself', async () => {
    client.caption = 'A demo'
    client.instructions = 'Be kind'
    add('second')
    const starting = client.start()
    const peer = await server.welcome()
    const frame = await peer.next('register')
    expect(frame).toMatchObject({ caption: 'A demo', instructions: 'Be kind' })
    expect(frame.toolkitHash).toMatch(/^[0-9a-f]{64}$/)
    expect(toolNames(frame)).toEqual(['first', 'second'])
    await acceptTools(peer, frame)
    await starting
  })

  it('sends no source code', async () => {
    client.registerTool({ name: 'secret', description: 'Keeps it' }, () => 'the source of this handler')
    const { peer } = await started()
    expect(peer.raw.received.all.join()).not.toContain('the source of this handler')
  })

  it('sends no tools when the server has that very hash', async () => {
    const { peer, hash } = await started()
    peer.raw.close(1012, '')
    await vi.advanceTimersByTimeAsync(500)
    const second = await server.welcome({ toolkitHash: hash })
    const frame = await second.next('register')
    expect(frame.toolkitHash).toBe(hash)
    expect(frame.tools).toBeUndefined()
    await acceptTools(second, frame)
    await vi.waitFor(() => expect(client.state).toBe('connected'))
    expect(second.types).toEqual(['hello', 'register'])
  })

  it('sends them after all when the server asks for them', async () => {
    const { peer, hash } = await started()
    peer.raw.close(1012, '')
    await vi.advanceTimersByTimeAsync(500)
    const second = await server.welcome({ toolkitHash: hash })
    await acceptTools(second, undefined, { resend: true })
    const frame = await second.next('register')
    expect(toolNames(frame)).toEqual(['first'])
    expect(client.state).toBe('reconnecting')
    await acceptTools(second, frame)
    await vi.waitFor(() => expect(client.state).toBe('connected'))
  })

  it('rejects the start with the names of tools that the server does not take', async () => {
    add('odd')
    add('bad')
    const failed = expect(client.start()).rejects.toMatchObject({
      code: 'registration_rejected',
      message: expect.stringMatching(/"demo".*odd: too odd; bad: too bad/),
      details: { rejected: [{ name: 'odd' }, { name: 'bad' }] },
    })
    const peer = await server.welcome()
    await acceptTools(peer, undefined, {
      rejected: [
        { name: 'odd', code: 'invalid_schema', message: 'too odd' },
        { name: 'bad', code: 'invalid_name', message: 'too bad' },
      ],
    })
    await failed
    expect(client.state).toBe('refused')
    await peer.closed
  })

  it('keeps a toolkit that worked connected although the server takes a tool no longer', async () => {
    const errors: unknown[] = []
    client = makeClient(server, {
      logger: { debug() {}, info() {}, warn() {}, error: (event, fields) => errors.push([event, fields]) },
    })
    const { peer } = await started()
    peer.raw.close(1012, 'an update')
    await vi.advanceTimersByTimeAsync(500)
    await acceptTools(await server.welcome(), undefined, reject('first'))
    await vi.waitFor(() => expect(client.state).toBe('connected'))
    expect(errors).toEqual([['registration.incomplete', { error: expect.stringContaining('"first" is odd') }]])
  })

  it('refuses to send more than the server takes at once, and says what to do', async () => {
    add('large', 'x'.repeat(10_000))
    const failed = expect(client.start()).rejects.toMatchObject({
      code: 'registration_rejected',
      message: expect.stringMatching(/"demo".*8192.*make several toolkits/),
    })
    const { limits } = welcomeFrame()
    const peer = await server.welcome({ limits: { ...limits, maxFrameBytes: 8_192 } })
    await failed
    await peer.closed
    expect(peer.types).toEqual(['hello'])
  })

  it('tries again when the server cannot register at the moment', async () => {
    const starting = client.start()
    const first = await server.welcome()
    const { requestId } = await first.next('register')
    first.send({
      type: 'error',
      requestId,
      error: { code: 'internal_error', message: 'Internal error', retryable: false },
    })
    await first.closed
    await vi.advanceTimersByTimeAsync(500)
    await acceptTools(await server.welcome())
    await starting
  })

  it('tries again when the answer cannot be read, or does not come within 30 s', async () => {
    const starting = client.start()
    const first = await server.welcome()
    const { requestId } = await first.next('register')
    first.raw.send(JSON.stringify({ type: 'registered', request_id: requestId, tools: 'all of them' }))
    await first.closed
    await vi.advanceTimersByTimeAsync(500)
    const second = await server.welcome()
    await second.next('register')
    await vi.advanceTimersByTimeAsync(30_500)
    await second.closed
    await vi.advanceTimersByTimeAsync(1_000)
    await acceptTools(await server.welcome())
    await starting
  })

  it('also tells tools that were added while the first answer was under way', async () => {
    const done = vi.fn()
    const starting = client.start().then(done)
    const peer = await server.welcome()
    const first = await peer.next('register')
    add('second')
    await acceptTools(peer, first)
    const next = await peer.next('register')
    expect(toolNames(next)).toEqual(['first', 'second'])
    expect(done).not.toHaveBeenCalled()
    await acceptTools(peer, next)
    await starting
  })
})

describe('the end of a session', () => {
  it('fails what was asked on it, and nothing that was asked on another', async () => {
    const toolkit = new Toolkit({ appName: 'demo' })
    const registration = new ToolkitRegistration(toolkit, silentLogger)
    const [old, current] = [fakeSession(), fakeSession()]
    const first = registration.register(old).catch((error: AtpError) => error.code)
    await vi.waitFor(() => expect(old.sent).toHaveLength(1))
    registration.disconnected(old, new AtpError('connection_closed', 'gone'))
    await expect(first).resolves.toBe('connection_closed')
    const second = registration.register(current)
    await vi.waitFor(() => expect(current.sent).toHaveLength(1))
    registration.disconnected(old, new AtpError('connection_closed', 'told twice'))
    const { request_id: requestId } = JSON.parse(current.sent[0] ?? '') as { request_id: string }
    const answer = { toolkitId: 't2', tools: [], rejected: [], resend: false }
    registration.answered(requestId, { type: 'registered', requestId, ...answer })
    await second
    expect(registration.toolkitId).toBe('t2')
    registration.stopped()
  })
})
