import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Call } from '../../src/calls/call.ts'
import { LostCalls } from '../../src/delivery/lost-calls.ts'
import { makeCall } from '../support/make-call.ts'

const onGivenUp = vi.fn<(call: Call) => void>()
let lost: LostCalls
const callOf = (id: string): Call => makeCall({ id }).call

beforeEach(() => {
  vi.useFakeTimers()
  onGivenUp.mockClear()
  lost = new LostCalls({ waitMs: 4_000, onGivenUp })
})
afterEach(() => {
  vi.useRealTimers()
})

it('gives a call up when nobody came back for it in time, and once', () => {
  const call = callOf('a')
  lost.add(call, 'process')
  vi.advanceTimersByTime(3_999)
  expect(onGivenUp).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  lost.giveUp('process')
  expect(onGivenUp).toHaveBeenCalledExactlyOnceWith(call)
})

it('gives calls back to the process that had them, and to no other', () => {
  const [mine, other] = [callOf('mine'), callOf('other')]
  lost.add(mine, 'process 1')
  lost.add(other, 'process 2')
  expect(lost.take('toolkit-1', undefined, ['mine', 'other'])).toEqual([])
  expect(lost.take('toolkit-2', 'process 1', ['mine'])).toEqual([])
  expect(lost.take('toolkit-1', 'process 1', ['mine', 'other', 'unknown'])).toEqual([mine])
  expect(lost.take('toolkit-1', 'process 1', ['mine'])).toEqual([])
  lost.giveUp('process 1')
  expect(onGivenUp).not.toHaveBeenCalled()
})

it('gives a call of an earlier server to whoever says that it has it', () => {
  const call = callOf('old')
  lost.add(call, undefined, 15_000)
  lost.giveUp('process 1')
  vi.advanceTimersByTime(14_000)
  expect(lost.take('toolkit-1', 'process 1', ['old'])).toEqual([call])
})

it('neither gives up nor gives back what has its outcome', () => {
  const [call, another] = [callOf('a'), callOf('b')]
  lost.add(call, 'process')
  lost.add(another, 'process')
  call.succeed(1)
  another.succeed(1)
  expect(lost.take('toolkit-1', 'process', ['b'])).toEqual([])
  vi.advanceTimersByTime(60_000)
  expect(onGivenUp).not.toHaveBeenCalled()
})

it('gives nothing up once the server stops, and keeps no time', () => {
  lost.add(callOf('a'), 'process')
  lost.stop()
  lost.add(callOf('b'), 'process')
  expect(vi.getTimerCount()).toBe(0)
  lost.giveUp('process')
  expect(onGivenUp).not.toHaveBeenCalled()
})
