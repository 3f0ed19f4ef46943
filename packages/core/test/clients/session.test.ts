import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { exceedsBytes, openSession, type Session, type SessionOptions } from '../../src/clients/session.ts'
import { AtpError } from '../../src/errors/atp-error.ts'
import { decodeToLlm, encodeFrame } from '../../src/protocol/codec.ts'
import type { FromLlmFrame, ToLlmFrame } from '../../src/protocol/frames.ts'
import { Mailbox } from '../transport/mailbox.ts'
import { llmServer, type ScriptedPeer, type ScriptedServer, welcomeFrame } from './scripted-server.ts'

let server: ScriptedServer<FromLlmFrame>

beforeEach(() => {
  vi.useFakeTimers()
  server = llmServer()
})
afterEach(() => {
  vi.useRealTimers()
})

interface Opening {
  session: Promise<Session>
  frames: Mailbox<ToLlmFrame>
  onClose: ReturnType<typeof vi.fn>
  onBadFrame: ReturnType<typeof vi.fn>
}

function opening(options: Partial<SessionOptions<ToLlmFrame>> = {}): Opening {
  const frames = new Mailbox<ToLlmFrame>()
  const onClose = vi.fn()
  const onBadFrame = vi.fn()
  const session = openSession<ToLlmFrame>({
    url: 'ws://server/ws/v2/llm',
    apiKey: 'atp_llm_key',
    hello: { capabilities: [], instanceId: 'i1' },
    connect: server.memory.connect,
    decode: decodeToLlm,
    onFrame: (frame) => frames.push(frame),
    onClose,
    onBadFrame,
    timeoutMs: 10_000,
    signal: new AbortController().signal,
    ...options,
  })
  // What a test awaits later must not count as unhandled until then.
  session.catch(() => {})
  return { session, frames, onClose, onBadFrame }
}

async function open(
  options?: Partial<SessionOptions<ToLlmFrame>>,
): Promise<Omit<Opening, 'session'> & { session: Session; peer: ScriptedPeer<FromLlmFrame> }> {
  const begun = opening(options)
  const peer = await server.welcome()
  return { ...begun, session: await begun.session, peer }
}

const result = (requestId: string): ToLlmFrame => ({ type: 'result', requestId, ok: true, result: 1 })

describe('openSession', () => {
  it('says hello, waits for the welcome and leaves no timer but the heartbeat', async () => {
    const { session, peer } = await open()
    expect(peer.hello).toEqual({ type: 'hello', protocol: 2, capabilities: [], instanceId: 'i1' })
    expect(session.welcome).toEqual(welcomeFrame())
    expect(vi.getTimerCount()).toBe(1)
    session.close(1000, 'done')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('puts the key into hello only where no header carries it', async () => {
    server.memory.keySent = false
    const { peer } = await open()
    expect(peer.hello).toMatchObject({ apiKey: 'atp_llm_key' })
    expect(peer.raw.authorization).toBeUndefined()
  })

  it('passes on frames that follow the welcome in the same turn', async () => {
    const { session, frames } = opening()
    const peer = await server.connection()
    await peer.next('hello')
    peer.send(welcomeFrame())
    peer.send(result('q1'))
    await session
    await expect(frames.next()).resolves.toMatchObject({ type: 'result', requestId: 'q1' })
  })

  it('passes on nothing that comes before the welcome', async () => {
    const { session, frames } = opening()
    const peer = await server.connection()
    peer.send(result('early'))
    peer.send({ type: 'drain', deadlineMs: 1 })
    await peer.sayWelcome()
    await session
    peer.send(result('late'))
    await frames.next()
    expect(frames.all).toEqual([{ type: 'result', requestId: 'late', ok: true, result: 1 }])
  })

  it('fails with what the connection failed with', async () => {
    server.memory.refuse = () => new AtpError('rate_limited', 'too often')
    await expect(opening().session).rejects.toMatchObject({ code: 'rate_limited' })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('fails with the error that comes instead of the welcome, and closes', async () => {
    const { session, onClose } = opening()
    const peer = await server.connection()
    const details = { retryAfterMs: 5_000 }
    peer.send({ type: 'error', error: { code: 'rate_limited', message: 'too many', retryable: true, details } })
    await expect(session).rejects.toMatchObject({ code: 'rate_limited', message: 'too many', retryable: true, details })
    await peer.closed
    expect(onClose).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    [4401, 'unauthorized'],
    [4403, 'forbidden'],
    [4409, 'toolkit_name_conflict'],
    [4400, 'connection_failed'],
    [1000, 'connection_failed'],
    [1006, 'connection_failed'],
    [1012, 'connection_failed'],
    [1013, 'connection_failed'],
  ])('reads a close with %i before the welcome as %s, with the reason', async (closeCode, code) => {
    const { session, onClose } = opening()
    const peer = await server.connection()
    peer.raw.close(closeCode, 'so it is')
    await expect(session).rejects.toMatchObject({ code, message: expect.stringMatching(/ws:\/\/server.*so it is/) })
    expect(onClose).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('fails once only when error and close come together, with the error', async () => {
    const { session } = opening()
    const peer = await server.connection()
    peer.send({ type: 'error', error: { code: 'unauthorized', message: 'this key was revoked', retryable: false } })
    peer.raw.close(4401, 'refused')
    await expect(session).rejects.toMatchObject({ code: 'unauthorized', message: 'this key was revoked' })
  })

  it('survives a refusal that comes before the connection is handed over', async () => {
    const { session } = opening({
      async connect(options) {
        const connected = await server.memory.connect(options)
        const error = { code: 'forbidden', message: 'no', retryable: false }
        options.handlers.onMessage(JSON.stringify({ type: 'error', error }))
        await vi.advanceTimersByTimeAsync(1)
        return connected
      },
    })
    await expect(session).rejects.toMatchObject({ code: 'forbidden' })
  })

  it.each([
    ['{"type":"welcome","protocol":3}', /sent no welcome but: Frame "welcome": protocol/],
    ['{"type":"auth_response","success":true}', /sent no welcome but: A frame of type "auth_response"/],
    ['hello there', /sent no welcome but: Not valid JSON/],
  ])('fails at once, with the reason, when the first frame is %s', async (text, message) => {
    const { session, onBadFrame } = opening()
    const peer = await server.connection()
    peer.raw.send(text)
    await expect(session).rejects.toMatchObject({ code: 'protocol_error', message: expect.stringMatching(message) })
    await peer.closed
    expect(onBadFrame).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('fails when no welcome comes in time, and closes', async () => {
    const { session } = opening()
    const peer = await server.connection()
    await vi.advanceTimersByTimeAsync(9_999)
    const failed = expect(session).rejects.toMatchObject({
      code: 'connection_failed',
      message: 'ws://server/ws/v2/llm sent no welcome within 10000 ms',
    })
    await vi.advanceTimersByTimeAsync(1)
    await failed
    await expect(peer.closed).resolves.toMatchObject({ code: 1000 })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('gives up waiting for the welcome when the signal aborts, and closes', async () => {
    const abort = new AbortController()
    const { session, onClose } = opening({ signal: abort.signal })
    const peer = await server.connection()
    await peer.next('hello')
    abort.abort()
    await expect(session).rejects.toMatchObject({ code: 'client_stopped' })
    peer.send(welcomeFrame())
    await peer.closed
    expect(onClose).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('gives up when the signal aborted in the turn that connected', async () => {
    const abort = new AbortController()
    const { session } = opening({
      signal: abort.signal,
      async connect(options) {
        const connected = await server.memory.connect(options)
        abort.abort()
        return connected
      },
    })
    await expect(session).rejects.toMatchObject({ code: 'client_stopped' })
    await (await server.connection()).closed
  })

  it('does not open what ended in the turn that brought the welcome', async () => {
    const { session, onClose } = opening({
      async connect(options) {
        const { transport, keySent } = await server.memory.connect(options)
        transport.send = () => {
          options.handlers.onMessage(encodeFrame(welcomeFrame()))
          options.handlers.onClose(4401, 'revoked')
        }
        return { transport, keySent }
      },
    })
    await expect(session).rejects.toMatchObject({ code: 'unauthorized' })
    expect(onClose).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('an open session', () => {
  it('tells of the end once', async () => {
    const { peer, onClose } = await open()
    peer.raw.close(1012, 'restart')
    await peer.closed
    await vi.advanceTimersByTimeAsync(60_000)
    expect(onClose.mock.calls).toEqual([[1012, 'restart']])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('tells nothing any more once it was closed', async () => {
    const { session, peer, frames, onClose } = await open()
    peer.send(result('on its way'))
    session.close(1000, 'done')
    session.close(1000, 'again')
    session.send({ type: 'cancel', requestId: 'after' })
    await expect(peer.closed).resolves.toEqual({ code: 1000, reason: 'done' })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(frames.all).toEqual([])
    expect(onClose).not.toHaveBeenCalled()
    expect(peer.types).toEqual(['hello'])
  })

  it('does not mind the signal that could have given it up', async () => {
    const abort = new AbortController()
    const { session, peer } = await open({ signal: abort.signal })
    abort.abort()
    session.send({ type: 'cancel', requestId: 'q1' })
    await expect(peer.next('cancel')).resolves.toMatchObject({ requestId: 'q1' })
  })

  it('reports frames that cannot be read with their request, and goes on', async () => {
    const { peer, frames, onBadFrame } = await open()
    const bad = ['{', '[]', 'null', '"text"', '{"type":"dance"}', '{"type":"result","request_id":"q7","ok":"maybe"}']
    for (const text of [...bad, '{"type":"result","request_id":"q8","ok":true,"result":{"__proto__":1}}']) {
      peer.raw.send(text)
    }
    peer.send(result('after'))
    await frames.next()
    expect(frames.all).toHaveLength(1)
    expect(onBadFrame.mock.calls.map(([error, requestId]) => [error.code, requestId])).toEqual([
      ['invalid_json', undefined],
      ['invalid_request', undefined],
      ['invalid_request', undefined],
      ['invalid_request', undefined],
      ['invalid_request', undefined],
      ['invalid_request', 'q7'],
      ['invalid_json', 'q8'],
    ])
  })

  it('ends when the server shows no sign of life for two heartbeats and a half', async () => {
    const { peer, onClose } = await open()
    peer.raw.mute()
    await vi.advanceTimersByTimeAsync(50_000)
    expect(onClose).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(25_000)
    expect(onClose.mock.calls).toEqual([[1006, '']])
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    ['pings', (peer: ScriptedPeer<FromLlmFrame>) => peer.raw.ping()],
    ['frames', (peer: ScriptedPeer<FromLlmFrame>) => peer.send({ type: 'drain', deadlineMs: 1 })],
    ['frames that cannot be read', (peer: ScriptedPeer<FromLlmFrame>) => peer.raw.send('?')],
  ])('lives as long as there are %s', async (_what, sign) => {
    const { peer, onClose } = await open()
    for (let turn = 0; turn < 20; turn += 1) {
      sign(peer)
      await vi.advanceTimersByTimeAsync(30_000)
    }
    expect(onClose).not.toHaveBeenCalled()
  })

  it('lives although the clock of the machine is set', async () => {
    const { peer, onClose } = await open()
    vi.setSystemTime(Date.now() + 3_600_000)
    peer.raw.ping()
    await vi.advanceTimersByTimeAsync(25_000)
    expect(onClose).not.toHaveBeenCalled()
  })

  it('does not take silence for death where pings cannot be seen', async () => {
    const { onClose } = await open({
      async connect(options) {
        const { transport, keySent } = await server.memory.connect(options)
        const blind = Object.defineProperty(transport, 'seesPings', { value: false })
        return { transport: blind, keySent }
      },
    })
    expect(vi.getTimerCount()).toBe(0)
    await vi.advanceTimersByTimeAsync(600_000)
    expect(onClose).not.toHaveBeenCalled()
  })
})

describe('exceedsBytes', () => {
  it.each([
    ['', 0, false],
    ['abc', 3, false],
    ['abcd', 3, true],
    ['ü', 2, false],
    ['ü', 1, true],
    ['€', 2, true],
    ['€', 3, false],
    ['😀', 3, true],
    ['😀', 4, false],
  ])('tells whether %j is longer than %i bytes', (text, maxBytes, expected) => {
    expect(exceedsBytes(text, maxBytes)).toBe(expected)
    expect(Buffer.byteLength(text) > maxBytes).toBe(expected)
  })
})
