import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Call } from '../../src/calls/call.ts'
import { LostCalls } from '../../src/delivery/lost-calls.ts'
import { makeCall } from '../support/make-call.ts'

const onGivenUp = vi.fn<(call: Call, neverGot: boolean) => void>()
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
  lost.add(call, { process: 'process' })
  vi.advanceTimersByTime(3_999)
  expect(onGivenUp).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  lost.giveUp('process')
  expect(onGivenUp).toHaveBeenCalledExactlyOnceWith(call, false)
})

it('gives calls back to the process that had them, and to no other', () => {
  const [mine, other] = [callOf('mine'), callOf('other')]
  lost.add(mine, { process: 'process 1' })
  lost.add(other, { process: 'process 2' })
  expect(lost.take('toolkit-1', undefined, ['mine', 'other'])).toEqual([])
  expect(lost.take('toolkit-2', 'process 1', ['mine'])).toEqual([])
  expect(lost.take('toolkit-1', 'process 1', ['mine', 'other', 'unknown'])).toEqual([mine])
  expect(lost.take('toolkit-1', 'process 1', ['mine'])).toEqual([])
  lost.giveUp('process 1')
  expect(onGivenUp).not.toHaveBeenCalled()
})

it('gives a call of an earlier server to whoever says that it has it', () => {
  const [unknown, meant] = [callOf('unknown'), callOf('meant')]
  lost.add(unknown, { process: undefined, orAnother: true, waitMs: 15_000 })
  lost.add(meant, { process: 'process 2', orAnother: true, waitMs: 15_000 })
  lost.giveUp('process 1')
  vi.advanceTimersByTime(14_000)
  expect(lost.take('toolkit-1', 'process 1', ['unknown', 'meant'])).toEqual([unknown, meant])
})

it('gives a call of an earlier server up once the process that it was meant for is back without it', () => {
  const call = callOf('old')
  lost.add(call, { process: 'process 1', orAnother: true, waitMs: 15_000 })
  lost.giveUp('process 1')
  expect(onGivenUp).toHaveBeenCalledExactlyOnceWith(call, false)
})

it('takes the word of a process that never got what an earlier server meant for it, and for nothing else', () => {
  const [meant, running] = [callOf('meant'), callOf('running')]
  lost.add(meant, { process: 'process 1', orAnother: true, waitMs: 15_000 })
  lost.add(running, { process: 'process 1' })
  lost.giveUp('process 1', true)
  expect(onGivenUp.mock.calls).toEqual([
    [meant, true],
    [running, false],
  ])
})

it('neither gives up nor gives back what has its outcome', () => {
  const [call, another] = [callOf('a'), callOf('b')]
  lost.add(call, { process: 'process' })
  lost.add(another, { process: 'process' })
  call.succeed(1)
  another.succeed(1)
  expect(lost.take('toolkit-1', 'process', ['b'])).toEqual([])
  vi.advanceTimersByTime(60_000)
  expect(onGivenUp).not.toHaveBeenCalled()
})

it('gives nothing up once the server stops, and keeps no time, but still knows who has what', () => {
  const [before, after] = [callOf('a'), callOf('b')]
  lost.add(before, { process: 'process' })
  lost.stop()
  lost.add(after, { process: 'process' })
  expect(vi.getTimerCount()).toBe(0)
  lost.giveUp('process')
  expect(onGivenUp).not.toHaveBeenCalled()
  expect(lost.take('toolkit-1', 'process', ['a', 'b'])).toEqual([before, after])
})
