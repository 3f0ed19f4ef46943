import { AtpError, silentLogger } from '@atp/core'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { CallLog, type CallLogOptions } from '../../src/calls/call-log.ts'
import type { CallLogStore, CallRecord } from '../../src/store/store.ts'
import { makeCall } from '../support/make-call.ts'

let batches: CallRecord[][]
let append: (records: readonly CallRecord[]) => Promise<void>
let logged: unknown[]

beforeEach(() => {
  vi.useFakeTimers()
  batches = []
  logged = []
  append = async (records) => void batches.push([...records])
})
afterEach(() => {
  vi.useRealTimers()
})

function log(options: Partial<CallLogOptions> = {}): CallLog {
  const store = { append: (records) => append(records) } as CallLogStore
  const error = (event: string, fields?: Record<string, unknown>): void => void logged.push({ event, ...fields })
  return new CallLog({ store, logger: { ...silentLogger, error }, ...options })
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

it('tells the outcome that holds, which need not be the one that its call came to', async () => {
  const calls = log()
  const { call } = makeCall()
  call.succeed(null)
  calls.add(call, 'socket', 'outcome_unknown')
  await calls.flush()
  expect(batches[0]).toMatchObject([{ status: 'outcome_unknown', errorCode: 'outcome_unknown' }])
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

it('keeps rows while the store is unavailable, and writes them in order when it is back', async () => {
  let attempts = 0
  append = async () => {
    attempts += 1
    throw new AtpError('store_unavailable', 'gone')
  }
  const calls = log({ flushRows: 4 })
  add(calls, 6)
  await vi.advanceTimersByTimeAsync(2_000)
  add(calls, 6)
  await vi.advanceTimersByTimeAsync(400)
  // Every half second, however many rows come meanwhile.
  expect(attempts).toBeLessThanOrEqual(6)
  expect(calls.dropped).toBe(0)
  append = async (records) => void batches.push([...records])
  await vi.advanceTimersByTimeAsync(500)
  expect(batches.flat()).toHaveLength(12)
  expect(batches.flat().map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5].map((n) => `call-${n}`))
})

it('still drops and counts what does not fit while the store is unavailable', async () => {
  append = () => Promise.reject(new AtpError('store_unavailable', 'gone'))
  const calls = log({ maxRows: 5 })
  add(calls, 5)
  await vi.advanceTimersByTimeAsync(100)
  add(calls, 3)
  expect(calls.dropped).toBe(3)
})

it('closes without the store: what could not be written is counted, and nothing runs on', async () => {
  append = () => Promise.reject(new AtpError('store_unavailable', 'gone'))
  const calls = log()
  add(calls, 3)
  await calls.close()
  expect(calls.dropped).toBe(3)
  expect(vi.getTimerCount()).toBe(0)
})

it('tells of lost rows at once, then once in ten seconds with their number, then no more', async () => {
  const calls = log({ maxRows: 5 })
  append = () => Promise.reject(new AtpError('store_unavailable', 'gone'))
  add(calls, 5)
  expect(logged).toEqual([])
  add(calls, 1_000)
  await vi.advanceTimersByTimeAsync(9_900)
  add(calls, 1)
  const reason = '5 rows wait already'
  expect(logged).toEqual([{ event: 'call_log.rows_dropped', rows: 1, sinceStart: 1, reason }])
  await vi.advanceTimersByTimeAsync(100)
  expect(logged).toHaveLength(2)
  expect(logged[1]).toEqual({ event: 'call_log.rows_dropped', rows: 1_000, sinceStart: 1_001, reason })
  await vi.advanceTimersByTimeAsync(60_000)
  expect(logged).toHaveLength(2)
  add(calls, 1)
  expect(logged[2]).toMatchObject({ rows: 1, sinceStart: 1_002 })
})

it('tells of batches that the store refuses in the same way, with the last reason', async () => {
  append = () => Promise.reject(new Error('disk full'))
  const calls = log({ flushRows: 1 })
  for (let second = 0; second < 10; second += 1) {
    add(calls, 100)
    await vi.advanceTimersByTimeAsync(999)
  }
  expect(logged).toMatchObject([{ reason: 'Error: disk full' }])
  await calls.close()
  expect(logged).toMatchObject([{}, { event: 'call_log.rows_dropped', sinceStart: 1_000, reason: 'Error: disk full' }])
  expect(logged).toHaveLength(2)
  expect(vi.getTimerCount()).toBe(0)
})

it('tells of every ended call at once, also of one whose row is dropped', async () => {
  const told: string[] = []
  const calls = log({ maxRows: 1, onCall: ({ id, durationMs }) => void told.push(`${id} ${typeof durationMs}`) })
  add(calls, 2)
  expect(told).toEqual(['call-0 number', 'call-1 number'])
  expect(calls.dropped).toBe(1)
  await calls.close()
})
