import { AtpError } from '@atp/core'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Call, CallInit } from '../../src/calls/call.ts'
import { SocketDelivery, type ToolkitPeer } from '../../src/delivery/socket.ts'
import { makeCall } from '../support/make-call.ts'
import { connectTo, disconnected, startOn } from './socket-support.ts'

let delivery: SocketDelivery

beforeEach(() => {
  delivery = new SocketDelivery()
})

const connect = () => connectTo(delivery)
const start = (annotations?: { idempotent?: boolean }, init?: Partial<CallInit>) => startOn(delivery, annotations, init)

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

it('a call that ran where it was lost is not said not to have run when another process refuses it', () => {
  const first = connect()
  const { call, outcome } = start({ idempotent: true })
  const second = connect()
  delivery.remove(first.peer)
  const error = { code: 'busy', message: 'full', retryable: true } as const
  delivery.onResult(second.peer, { type: 'result', requestId: call.id, ok: false, error })
  expect(outcome()).toMatchObject(disconnected)
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
