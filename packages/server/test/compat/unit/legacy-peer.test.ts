import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Call, CallInit } from '../../../src/calls/call.ts'
import { LegacyPeer } from '../../../src/compat/legacy-peer.ts'
import { makeCall } from '../../support/make-call.ts'

/** The socket, as far as the peer uses it. */
class FakeSocket {
  open = true
  congested = false
  lastSeen = 0
  mayBeSilentUntil = 0
  readonly sent: string[] = []
  readonly pings: (string | undefined)[] = []
  send(text: string, item?: { written(): void }): void {
    this.sent.push((JSON.parse(text) as { payload: { request_id: string } }).payload.request_id)
    item?.written()
  }
  ping(data?: string): void {
    this.pings.push(data)
  }
}

let socket: FakeSocket
let peer: LegacyPeer

function send(id: string, init: Partial<CallInit> = {}): Call {
  const { call } = makeCall({ id, ...init })
  call.dispatched()
  peer.sendCall(call)
  return call
}

beforeEach(() => {
  socket = new FakeSocket()
  peer = new LegacyPeer({ socket, toolkitId: 't', projectId: 'p', keyId: 'k', maxCalls: 10 })
  peer.welcomed()
})

describe('calls', () => {
  it('go one after the other, in order', () => {
    for (const id of ['a', 'b', 'c']) send(id)
    expect(socket.sent).toEqual(['a'])
    peer.answered('a')
    expect(socket.sent).toEqual(['a', 'b'])
    peer.answered('b')
    peer.answered('c')
    expect(socket.sent).toEqual(['a', 'b', 'c'])
  })

  it('go on when the ping behind the last one is answered: nobody runs it', () => {
    send('a')
    expect(socket.pings).toEqual([])
    send('b')
    const [probe] = socket.pings
    peer.onPong('')
    peer.onPong('another')
    expect(socket.sent).toEqual(['a'])
    peer.onPong(String(probe))
    expect(socket.sent).toEqual(['a', 'b'])
    // The answer to the ping before it says nothing of the second call.
    send('c')
    peer.onPong(String(probe))
    expect(socket.sent).toEqual(['a', 'b'])
    peer.onPong(String(socket.pings.at(-1)))
    expect(socket.sent).toEqual(['a', 'b', 'c'])
  })

  it('are pinged for once, however many wait', () => {
    for (const id of ['a', 'b', 'c', 'd']) send(id)
    expect(socket.pings).toHaveLength(1)
  })

  it('that are cancelled while they wait are never sent', () => {
    for (const id of ['a', 'b', 'c']) send(id)
    peer.sendCancel('b')
    peer.answered('a')
    expect(socket.sent).toEqual(['a', 'c'])
  })

  it('wait for a process that still runs a cancelled one', () => {
    send('a')
    send('b')
    peer.sendCancel('a')
    expect(socket.sent).toEqual(['a'])
    peer.answered('a')
    expect(socket.sent).toEqual(['a', 'b'])
  })

  it('keep their request until they are sent, and were never sent when the connection ends before', () => {
    const first = send('a', { params: { x: 1 } })
    const second = send('b', { params: { x: 2 } })
    expect([first.params, second.params]).toEqual([{}, { x: 2 }])
    peer.close()
    expect([first.sent, second.sent]).toEqual([true, false])
  })

  it('are not sent to a socket that is being closed', () => {
    send('a')
    const second = send('b')
    socket.open = false
    peer.answered('a')
    peer.close()
    expect([socket.sent, second.sent]).toEqual([['a'], false])
  })

  it('carry the token only for tools that declare auth', () => {
    const spy = vi.spyOn(socket, 'send')
    const { tool } = makeCall().call
    send('a', { tool, authToken: 'secret' })
    peer.answered('a')
    send('b', { tool: { ...tool, auth: { provider: null, type: 'OAuth2', with: null } }, authToken: 'secret' })
    const [plain, withAuth] = spy.mock.calls.map(([text]) => JSON.parse(text) as unknown)
    expect(plain).toEqual({
      message_type: 'atp_tool_request',
      payload: { request_id: 'a', tool_name: 'tool', params: {} },
    })
    expect(withAuth).toMatchObject({ payload: { auth_token: 'secret' } })
  })
})

describe('liveness', () => {
  it('allows silence until the last deadline of what runs, and no longer than it runs', () => {
    const now = performance.now()
    send('a', { timeoutMs: 1_000 })
    expect(socket.mayBeSilentUntil).toBeGreaterThan(now + 900)
    expect(socket.mayBeSilentUntil).toBeLessThan(performance.now() + 1_001)
    peer.answered('a')
    expect(socket.mayBeSilentUntil).toBe(0)
  })

  it('gives a doubted process no calls until it shows life', () => {
    socket.lastSeen = performance.now()
    peer.doubt()
    expect(peer.paused).toBe(true)
    expect(socket.pings).toHaveLength(1)
    socket.lastSeen = performance.now() + 1
    expect(peer.paused).toBe(false)
  })

  it('gives a process no calls before it is greeted', () => {
    expect(new LegacyPeer({ socket, toolkitId: 't', projectId: 'p', keyId: 'k', maxCalls: 1 }).paused).toBe(true)
  })
})

it('leaves tools that came after its welcome to a younger process', () => {
  const fresh = new LegacyPeer({ socket, toolkitId: 't', projectId: 'p', keyId: 'k', maxCalls: 1 })
  fresh.addTools(['old'])
  fresh.welcomed()
  fresh.addTools(['old', 'late'])
  expect([...fresh.tools]).toEqual(['old', 'late'])
  fresh.leaveLateTools()
  expect([...fresh.tools]).toEqual(['old'])
})
