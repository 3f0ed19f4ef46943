import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Connect, Transport } from '../../src/transport/transport.ts'
import { connectOptions, Recorder, type TestPeer, type TestServer } from './test-peer.ts'

/** One implementation of `Connect`, and what its platform can do. */
export interface TransportUnderTest {
  start(): Promise<{ server: TestServer; connect: Connect }>
  sendsHeaders: boolean
  seesPings: boolean
  /** An address where nobody listens. */
  deadUrl: string
}

type Act = (near: Transport, far: TestPeer) => void
const closeNear: Act = (near) => near.close(1000, '')
const closeFar: Act = (_near, far) => far.close(1000, '')
const terminateNear: Act = (near) => near.terminate()
const terminateFar: Act = (_near, far) => far.terminate()

/** One test for each sentence of `src/transport/transport.ts`; the same for every implementation. */
export function describeTransport(name: string, under: TransportUnderTest): void {
  let server: TestServer
  let connect: Connect

  beforeEach(async () => {
    const started = await under.start()
    server = started.server
    connect = started.connect
  })
  afterEach(() => server[Symbol.asyncDispose]())

  async function open(): Promise<{ transport: Transport; keySent: boolean; near: Recorder; far: TestPeer }> {
    const near = new Recorder()
    const { transport, keySent } = await connect(connectOptions(server.url, near))
    return { transport, keySent, near, far: await server.accepted.next() }
  }

  describe(`transport over ${name}`, () => {
    it('carries text frames in order, both ways', async () => {
      const { transport, near, far } = await open()
      const texts = [
        '',
        'ü€😀',
        '{"a":1}',
        'x'.repeat(200_000),
        ...Array.from({ length: 200 }, (_, index) => `${index}`),
      ]
      for (const text of texts) transport.send(text)
      for (const text of texts) far.send(text)
      for (const text of texts) expect(await far.received.next()).toBe(text)
      for (const text of texts) expect(await near.messages.next()).toBe(text)
    })

    it('drops frames that are sent after its own close', async () => {
      const { transport, near, far } = await open()
      transport.send('before')
      transport.close(1000, 'done')
      transport.send('after')
      await far.closed
      await near.closed
      transport.send('long after')
      expect(far.received.all).toEqual(['before'])
    })

    it('drops frames that are sent after the peer closed', async () => {
      const { transport, near, far } = await open()
      far.close(1000, 'done')
      await near.closed
      transport.send('after')
      await far.closed
      expect(far.received.all).toEqual([])
    })

    it('starts the closing handshake: code and reason reach the peer and come back', async () => {
      const { transport, near, far } = await open()
      transport.close(4400, 'too many frames')
      await expect(far.closed).resolves.toEqual({ code: 4400, reason: 'too many frames' })
      await expect(near.closed).resolves.toEqual({ code: 4400, reason: 'too many frames' })
    })

    it('tells the code and reason that the peer closes with', async () => {
      const { near, far } = await open()
      far.close(4401, 'the key was revoked')
      await expect(near.closed).resolves.toEqual({ code: 4401, reason: 'the key was revoked' })
    })

    it('ends the connection now when it is terminated', async () => {
      const { transport, near, far } = await open()
      transport.terminate()
      await expect(near.closed).resolves.toMatchObject({ code: 1006 })
      await far.closed
    })

    it('ends the connection now even if the peer answers nothing', async () => {
      const { transport, near, far } = await open()
      far.mute()
      transport.close(1000, 'done')
      transport.terminate()
      await expect(near.closed).resolves.toMatchObject({ code: 1006 })
    })

    it('counts the bytes that were handed over and not written yet', async () => {
      const { transport, far } = await open()
      expect(transport.bufferedAmount).toBe(0)
      transport.send('ü'.repeat(1_000))
      expect(transport.bufferedAmount).toBeGreaterThanOrEqual(2_000)
      await far.received.next()
      await expect.poll(() => transport.bufferedAmount).toBe(0)
    })

    it('tells of pings where it says that it sees them', async () => {
      const { transport, near, far } = await open()
      expect(transport.seesPings).toBe(under.seesPings)
      far.ping()
      far.send('after the ping')
      await near.messages.next()
      expect(near.count('activity')).toBe(under.seesPings ? 2 : 1)
    })

    it('tells of activity with each message, before the message', async () => {
      const { near, far } = await open()
      far.send('a')
      far.send('b')
      await near.messages.next()
      await near.messages.next()
      expect(near.told).toEqual([
        { type: 'activity' },
        { type: 'message', text: 'a' },
        { type: 'activity' },
        { type: 'message', text: 'b' },
      ])
    })

    it('takes a binary frame for activity only', async () => {
      const { near, far } = await open()
      far.sendBinary()
      far.send('text')
      await near.messages.next()
      expect(near.told.map(({ type }) => type)).toEqual(['activity', 'activity', 'message'])
    })

    it.each([
      { what: 'both sides close', acts: [closeNear, closeFar] },
      { what: 'it is closed twice', acts: [closeNear, closeNear] },
      { what: 'it is closed and terminated', acts: [closeNear, terminateNear] },
      { what: 'it is terminated twice', acts: [terminateNear, terminateNear] },
      { what: 'the peer is cut off', acts: [terminateFar] },
    ])('tells of the end exactly once and of nothing after it when $what', async ({ acts }) => {
      const { transport, near, far } = await open()
      far.send('last words')
      for (const act of acts) act(transport, far)
      await near.closed
      await far.closed
      transport.close(1000, '')
      transport.terminate()
      // A connection of its own takes longer than anything that is still under way on this one.
      await open()
      expect(near.count('close')).toBe(1)
      expect(near.told.at(-1)?.type).toBe('close')
    })

    it('sends the key in the Authorization header, or says that it did not', async () => {
      const { keySent, far } = await open()
      expect(keySent).toBe(under.sendsHeaders)
      expect(far.authorization).toBe(under.sendsHeaders ? 'Bearer atp_llm_test' : undefined)
    })

    it('gives up a handshake that takes longer than it may, and leaves no connection behind', async () => {
      server.hang = true
      const near = new Recorder()
      const connecting = connect({ ...connectOptions(server.url, near), timeoutMs: 500 })
      await expect(connecting).rejects.toMatchObject({
        code: 'connection_failed',
        message: expect.stringContaining('500 ms'),
      })
      await (await server.unanswered.next()).gone
      expect(near.told).toEqual([])
    })

    it('gives up connecting when the signal aborts, and leaves no connection behind', async () => {
      server.hang = true
      const near = new Recorder()
      const abort = new AbortController()
      const connecting = connect({ ...connectOptions(server.url, near), signal: abort.signal })
      const failed = expect(connecting).rejects.toMatchObject({ code: 'client_stopped' })
      const handshake = await server.unanswered.next()
      abort.abort()
      await failed
      await handshake.gone
      expect(near.told).toEqual([])
    })

    it('does not connect at all when the signal aborted before', async () => {
      const connecting = connect({ ...connectOptions(server.url, new Recorder()), signal: AbortSignal.abort() })
      await expect(connecting).rejects.toMatchObject({ code: 'client_stopped' })
      await open()
      expect(server.accepted.all).toHaveLength(1)
    })

    it('does not mind the signal once it is connected', async () => {
      const near = new Recorder()
      const abort = new AbortController()
      const { transport } = await connect({ ...connectOptions(server.url, near), signal: abort.signal })
      const far = await server.accepted.next()
      abort.abort()
      transport.send('still here')
      await expect(far.received.next()).resolves.toBe('still here')
      far.send('I see')
      await expect(near.messages.next()).resolves.toBe('I see')
      expect(near.count('close')).toBe(0)
    })

    it('fails with connection_failed where nobody listens, and tells its owner nothing else', async () => {
      const near = new Recorder()
      const connecting = connect(connectOptions(under.deadUrl, near))
      await expect(connecting).rejects.toMatchObject({
        code: 'connection_failed',
        message: expect.stringContaining(under.deadUrl),
      })
      expect(near.told).toEqual([])
    })
  })
}
