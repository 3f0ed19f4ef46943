import { silentLogger } from '@atp/core'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { CallLog } from '../../src/calls/call-log.ts'
import type { CallLogStore, CallRecord } from '../../src/store/store.ts'
import { makeCall } from '../support/make-call.ts'

let batches: CallRecord[][]
let append: (records: readonly CallRecord[]) => Promise<void>

beforeEach(() => {
  vi.useFakeTimers()
  batches = []
  append = async (records) => void batches.push([...records])
})
afterEach(() => {
  vi.useRealTimers()
})

function log(options: { flushRows?: number; maxRows?: number } = {}): CallLog {
  const store = { append: (records) => append(records) } as CallLogStore
  return new CallLog({ store, logger: silentLogger, ...options })
}

function add(to: CallLog, count: number): void {
  for (let i = 0; i < count; i += 1) {
    const { call } = makeCall({ id: `call-${i}` })
    call.succeed(null)
    to.add(call, 'socket', null)
  }
}

it('writes what was noted after 50 ms, in one batch', async () => {
  const calls = log()
  add(calls, 3)
  await vi.advanceTimersByTimeAsync(49)
  expect(batches).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(batches.map((batch) => batch.length)).toEqual([3])
  expect(batches[0]?.[0]).toMatchObject({ id: 'call-0', status: 'succeeded', toolkitName: 'test', errorCode: null })
  expect(vi.getTimerCount()).toBe(0)
})

it('writes at once when a batch is full, and never two batches at a time', async () => {
  let writing = 0
  append = async (records) => {
    writing += 1
    expect(writing).toBe(1)
    await new Promise((done) => setTimeout(done, 10))
    batches.push([...records])
    writing -= 1
  }
  const calls = log({ flushRows: 4 })
  add(calls, 10)
  await vi.advanceTimersByTimeAsync(100)
  expect(batches.flat()).toHaveLength(10)
  expect(Math.max(...batches.map((batch) => batch.length))).toBe(4)
})

it('flush waits until everything is written, also what came meanwhile', async () => {
  append = async (records) => {
    await new Promise((done) => setTimeout(done, 10))
    batches.push([...records])
  }
  const calls = log()
  add(calls, 1)
  const first = calls.flush()
  add(calls, 1)
  const second = calls.flush()
  await vi.advanceTimersByTimeAsync(100)
  await Promise.all([first, second])
  expect(batches.flat()).toHaveLength(2)
})

it('drops and counts rows that do not fit, instead of holding calls up', async () => {
  const calls = log({ maxRows: 5 })
  add(calls, 8)
  expect(calls.dropped).toBe(3)
  await calls.flush()
  expect(batches.flat()).toHaveLength(5)
})

it('counts rows the store does not take, and goes on with the next', async () => {
  append = () => Promise.reject(new Error('disk full'))
  const calls = log()
  add(calls, 2)
  await calls.flush()
  expect(calls.dropped).toBe(2)
  append = async (records) => void batches.push([...records])
  add(calls, 1)
  await calls.flush()
  expect(batches.flat()).toHaveLength(1)
})
