import { AtpError } from '@atp/core'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Call, CallInit } from '../../src/calls/call.ts'
import { SocketDelivery, type ToolkitPeer } from '../../src/delivery/socket.ts'
import { makeCall } from '../support/make-call.ts'

let delivery: SocketDelivery

beforeEach(() => {
  delivery = new SocketDelivery()
})

/** A process that serves the tool of `makeCall`. */
function connect() {
  const peer: ToolkitPeer = {
    socket: { open: true, congested: false },
    toolkitId: 'toolkit-1',
    tools: new Set(['tool']),
    toolsHash: undefined,
    maxConcurrency: 10,
    running: new Map(),
    paused: false,
    sendCall: vi.fn(),
    sendCancel: vi.fn(),
  }
  delivery.add(peer)
  return { peer, sendCall: vi.mocked(peer.sendCall), sendCancel: vi.mocked(peer.sendCancel) }
}

let calls = 0

function start(annotations: { idempotent?: boolean } = {}, init: Partial<CallInit> = {}) {
  calls += 1
  const { call, onOutcome } = makeCall({ id: `call-${calls}`, ...init })
  Object.assign(call.tool, { annotations })
  expect(delivery.dispatch(call)).toBeUndefined()
  return { call, outcome: (): unknown => onOutcome.mock.calls[0]?.[0] }
}

const disconnected = { ok: false, error: { code: 'toolkit_disconnected' } }

describe('when a process is lost', () => {
  it('a call that was sent ends with an unknown outcome and runs nowhere else', () => {
    const first = connect()
    const { outcome } = start()
    const second = connect()
    delivery.remove(first.peer)
    expect(outcome()).toMatchObject(disconnected)
    expect(second.sendCall).not.toHaveBeenCalled()
  })

  it('a call of an idempotent tool goes to another process', () => {
    const first = connect()
    const { call, outcome } = start({ idempotent: true })
    const second = connect()
    delivery.remove(first.peer)
    expect(second.sendCall).toHaveBeenCalledExactlyOnceWith(call)
    delivery.onResult(second.peer, { type: 'result', requestId: call.id, ok: true, result: 7 })
    expect(outcome()).toEqual({ ok: true, result: 7 })
  })

  it('a call of an idempotent tool is sent three times at most', () => {
    connect()
    const { call, outcome } = start({ idempotent: true })
    for (let i = 0; i < 2; i += 1) {
      const [lost] = delivery.peersOf('toolkit-1')
      connect()
      delivery.remove(lost as ToolkitPeer)
      expect(outcome()).toBeUndefined()
    }
    expect(call.attempts).toBe(3)
    const [lost] = delivery.peersOf('toolkit-1')
    const last = connect()
    delivery.remove(lost as ToolkitPeer)
    expect(last.sendCall).not.toHaveBeenCalled()
    expect(outcome()).toMatchObject(disconnected)
  })

  it('a call that never left goes to another process, whatever its tool is', () => {
    const first = connect()
    const { call, outcome } = start({}, { params: { a: 1 } })
    const second = connect()
    call.notWritten()
    delivery.remove(first.peer)
    expect(second.sendCall).toHaveBeenCalledExactlyOnceWith(call)
    expect(call.params).toEqual({ a: 1 })
    expect(outcome()).toBeUndefined()
    delivery.remove(second.peer)
    expect(outcome()).toMatchObject(disconnected)
  })

  it('a call that never left and that nobody else can take ends as offline, as it certainly did not run', () => {
    const { peer } = connect()
    const { call, outcome } = start()
    call.notWritten()
    delivery.remove(peer)
    expect(outcome()).toMatchObject({ ok: false, error: { code: 'toolkit_offline', retryable: true } })
  })

  it('a call that ran once and never left the second time has an unknown outcome', () => {
    const first = connect()
    const { call, outcome } = start({ idempotent: true })
    const second = connect()
    delivery.remove(first.peer)
    call.notWritten()
    delivery.remove(second.peer)
    expect(outcome()).toMatchObject(disconnected)
  })
})

describe('a call', () => {
  it('goes to no process that is paused, closing, or does not read', () => {
    const { call } = makeCall()
    const paused = connect()
    paused.peer.paused = true
    expect(delivery.dispatch(call)).toMatchObject({ code: 'toolkit_offline' })
    const closing = connect()
    Object.assign(closing.peer.socket, { open: false })
    expect(delivery.dispatch(call)).toMatchObject({ code: 'toolkit_offline' })
    const deaf = connect()
    Object.assign(deaf.peer.socket, { congested: true })
    expect(delivery.dispatch(call)).toMatchObject({ code: 'busy' })
  })

  it('that is cancelled is known to its process no more', () => {
    const { peer, sendCancel } = connect()
    const { call } = start()
    delivery.cancel(call, 'enough')
    expect(sendCancel).toHaveBeenCalledExactlyOnceWith(call.id, 'enough')
    expect(peer.running.size).toBe(0)
    delivery.cancel(call, 'enough')
    expect(sendCancel).toHaveBeenCalledOnce()
  })
})

describe('what a call keeps', () => {
  const load = (): { requestChars: number } => ({ requestChars: 0 })

  it('is let go once it left, and counted no more', () => {
    connect()
    const counted = load()
    const { call } = start({}, { params: { a: 1 }, requestChars: 100, load: counted })
    expect(counted.requestChars).toBe(100)
    call.written()
    expect(call.params).toEqual({})
    expect(counted.requestChars).toBe(0)
  })

  it('stays for an idempotent tool until it has its outcome', () => {
    connect()
    const counted = load()
    const { call } = start({ idempotent: true }, { params: { a: 1 }, requestChars: 100, load: counted })
    call.written()
    expect(call.params).toEqual({ a: 1 })
    expect(counted.requestChars).toBe(100)
    call.fail(new AtpError('cancelled', 'x') as Parameters<Call['fail']>[0])
    expect(counted.requestChars).toBe(0)
  })
})

describe('a process that may come back', () => {
  const resumable = (name: string) => {
    const { peer, ...rest } = connect()
    return { peer: Object.assign(peer, { resumableAs: name }), ...rest }
  }
  const answer = (call: Call) => ({ type: 'result', requestId: call.id, ok: true, result: 1 }) as const

  it('answers a call that it was lost with, also before it says that it has it', () => {
    const before = resumable('one')
    const { call, outcome } = start()
    delivery.remove(before.peer)
    const after = resumable('one')
    expect(delivery.callOf(after.peer, call.id)).toBe(call)
    delivery.onResult(after.peer, answer(call))
    expect(outcome()).toEqual({ ok: true, result: 1 })
  })

  it('neither gets nor answers a call that another process was lost with', () => {
    const before = resumable('one')
    const { call, outcome } = start()
    delivery.remove(before.peer)
    const other = resumable('two')
    const { peer: unnamed } = connect()
    for (const peer of [other.peer, unnamed]) {
      delivery.resume(peer, [call.id])
      delivery.onResult(peer, answer(call))
    }
    expect(outcome()).toBeUndefined()
    delivery.resume(resumable('one').peer, [])
    expect(outcome()).toMatchObject(disconnected)
  })

  it('gets what may run twice again when it comes back without it, once it has its tools', () => {
    const before = resumable('one')
    const { call, outcome } = start({ idempotent: true })
    delivery.remove(before.peer)
    const after = resumable('one')
    const { tools } = after.peer
    after.peer.tools = new Set()
    delivery.resume(after.peer, [])
    expect(outcome()).toBeUndefined()
    after.peer.tools = tools
    delivery.registered(after.peer)
    expect(after.sendCall).toHaveBeenCalledExactlyOnceWith(call)
    delivery.onResult(after.peer, answer(call))
    expect(outcome()).toEqual({ ok: true, result: 1 })
  })

  it('gets the stored calls that were meant for it, which are spread over all processes', () => {
    const peers = [resumable('one'), resumable('two'), resumable('three')]
    const expected = Array.from({ length: 6 }, (_, i) => makeCall({ id: `expected-${i}` }).call)
    for (const call of expected) delivery.expect(call)
    const meantFor = expected.map((call) => call.meantFor)
    expect(meantFor).toEqual(['one', 'two', 'three', 'one', 'two', 'three'])
    for (const call of [...expected].reverse()) {
      call.stored = true
      expect(delivery.dispatch(call)).toBeUndefined()
    }
    for (const { peer } of peers) {
      expect([...peer.running.values()].map((call) => call.meantFor)).toEqual([peer.resumableAs, peer.resumableAs])
    }
  })

  it('keeps no place for a call that could not be stored', () => {
    const { peer } = resumable('one')
    Object.assign(peer, { maxConcurrency: 1 })
    const { call } = makeCall({ id: 'expected' })
    delivery.expect(call)
    expect(delivery.refusal(call)?.code).toBe('busy')
    delivery.discard(call)
    delivery.discard(call)
    expect(delivery.refusal(call)).toBeUndefined()
  })

  it('ends a call of an earlier server that was meant for it and that it does not have', () => {
    const { call, onOutcome } = makeCall({ meantFor: 'one' })
    delivery.restore(call, 15_000)
    delivery.resume(resumable('two').peer, [])
    expect(onOutcome).not.toHaveBeenCalled()
    delivery.resume(resumable('one').peer, [])
    expect(onOutcome.mock.calls[0]?.[0]).toMatchObject(disconnected)
  })

  it('gets a call of an earlier server after all that was meant for it and that it never got', () => {
    const { call, onOutcome } = makeCall({ meantFor: 'one' })
    call.stored = true
    delivery.restore(call, 15_000)
    const { peer, sendCall } = resumable('one')
    delivery.resume(peer, [], true)
    expect(sendCall).toHaveBeenCalledExactlyOnceWith(call)
    delivery.onResult(peer, answer(call))
    expect(onOutcome.mock.calls[0]?.[0]).toEqual({ ok: true, result: 1 })
  })

  it('alone gets what is stored for it and may not run twice: else the next server would send it to both', () => {
    const first = resumable('one')
    const { call } = makeCall({ id: 'stored' })
    delivery.expect(call)
    call.stored = true
    delivery.remove(first.peer)
    const second = resumable('two')
    expect(delivery.dispatch(call)?.code).toBe('toolkit_offline')
    Object.assign(call.tool, { annotations: { idempotent: true } })
    expect(delivery.dispatch(call)).toBeUndefined()
    expect(second.sendCall).toHaveBeenCalledExactlyOnceWith(call)
  })

  it.each(['cancelled', 'given up'])('must keep the answer of a call that was %s until that is written', (end) => {
    const { peer } = resumable('one')
    const { call } = start({}, { survives: true })
    call.stored = true
    if (end === 'cancelled') {
      call.fail(new AtpError('cancelled', 'x') as Parameters<Call['fail']>[0])
      delivery.cancel(call, 'x')
    } else {
      delivery.remove(peer)
      delivery.resume(resumable('one').peer, [])
    }
    expect(call.ended).toBe(true)
    expect(delivery.callOf(peer, call.id)).toBe(call)
    call.outcomeWritten()
    expect(delivery.callOf(peer, call.id)).toBeUndefined()
  })

  it('is told that a result arrived when it is written, also when it came twice', () => {
    const { peer } = resumable('one')
    const { call } = start()
    call.stored = true
    delivery.onResult(peer, answer(call))
    expect(delivery.callOf(peer, call.id)).toBe(call)
    call.outcomeWritten()
    expect(delivery.callOf(peer, call.id)).toBeUndefined()
  })

  it('leaves its calls to the next server when this one stops, and keeps no time', () => {
    vi.useFakeTimers()
    try {
      const [first, second] = [resumable('one'), resumable('two')]
      const lost = start({}, { survives: true })
      const running = start({ idempotent: true }, { survives: true })
      delivery.remove(first.peer)
      delivery.stop()
      delivery.remove(second.peer)
      vi.advanceTimersByTime(60_000)
      expect(lost.outcome()).toBeUndefined()
      expect(running.outcome()).toBeUndefined()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})
