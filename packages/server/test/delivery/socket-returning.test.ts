import { AtpError } from '@atp/core'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Call, CallInit } from '../../src/calls/call.ts'
import { RetryBudget } from '../../src/delivery/retry-budget.ts'
import { SocketDelivery } from '../../src/delivery/socket.ts'
import { makeCall } from '../support/make-call.ts'
import { connectTo, disconnected, startOn } from './socket-support.ts'

let delivery: SocketDelivery

beforeEach(() => {
  delivery = new SocketDelivery()
})

const connect = () => connectTo(delivery)
const start = (annotations?: { idempotent?: boolean }, init?: Partial<CallInit>) => startOn(delivery, annotations, init)

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

  it.each(['has not registered', 'was asked for its tools'])('keeps what was meant for it while it %s', (state) => {
    const { call, onOutcome } = makeCall({ meantFor: 'one' })
    delivery.restore(call, 15_000)
    const { peer, sendCall } = resumable('one')
    peer.tools = new Set()
    delivery.resume(peer, [], true)
    if (state === 'was asked for its tools') delivery.registered(peer)
    expect(onOutcome).not.toHaveBeenCalled()
    peer.tools = new Set(['tool'])
    delivery.registered(peer)
    expect(sendCall).toHaveBeenCalledExactlyOnceWith(call)
  })

  it('keeps its calls when a connection of it is lost whose registration ends later', () => {
    const [first, registering] = [resumable('one'), resumable('one')]
    const { call, outcome } = start()
    const holder = first.peer.running.has(call.id) ? first.peer : registering.peer
    const other = holder === first.peer ? registering.peer : first.peer
    delivery.remove(holder)
    other.tools = new Set()
    delivery.resume(other, [call.id], true)
    delivery.remove(other)
    other.tools = new Set(['tool'])
    delivery.registered(other)
    expect(outcome()).toBeUndefined()
    delivery.onResult(resumable('one').peer, answer(call))
    expect(outcome()).toEqual({ ok: true, result: 1 })
  })

  it('does not say of what may run twice that it never ran: an earlier server may have sent it to another one', () => {
    const { call, onOutcome } = makeCall({ meantFor: 'one' })
    Object.assign(call.tool, { annotations: { idempotent: true } })
    call.stored = true
    delivery.restore(call, 15_000)
    const { peer } = resumable('one')
    peer.tools = new Set(['another tool'])
    delivery.resume(peer, [], true)
    expect(onOutcome.mock.calls[0]?.[0]).toMatchObject(disconnected)
  })

  it('gets what may run twice and was meant for it although the budget of repetitions is used up', () => {
    delivery = new SocketDelivery({ retryBudget: new RetryBudget({ minimum: 0 }) })
    const { call } = makeCall({ meantFor: 'one' })
    Object.assign(call.tool, { annotations: { idempotent: true } })
    delivery.restore(call, 15_000)
    const { peer, sendCall } = resumable('one')
    delivery.resume(peer, [], true)
    expect(sendCall).toHaveBeenCalledExactlyOnceWith(call)
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

  it.each(['before', 'after'])('answers what it was lost with %s this server stops', (when) => {
    const { peer } = resumable('one')
    const { call, outcome } = start({}, { survives: true })
    call.stored = true
    if (when === 'before') delivery.remove(peer)
    delivery.stop()
    if (when === 'after') delivery.remove(peer)
    const back = resumable('one').peer
    // Else its result would be acknowledged, and the next server would send the call again.
    expect(delivery.callOf(back, call.id)).toBe(call)
    delivery.onResult(back, answer(call))
    expect(outcome()).toEqual({ ok: true, result: 1 })
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
