import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { CallWatcher } from '../../src/clients/llm-door.ts'
import { LlmRequests } from '../../src/clients/socket-llm-requests.ts'
import { AtpError } from '../../src/errors/atp-error.ts'
import { silentLogger } from '../../src/logging/logger.ts'

let requests: LlmRequests
let idle: number
let told: unknown[]

beforeEach(() => {
  vi.useFakeTimers()
  idle = 0
  told = []
  requests = new LlmRequests({
    logger: silentLogger,
    onDrain: () => {},
    onIdle: () => {
      idle += 1
    },
  })
})
afterEach(() => {
  requests.rejectAll(() => new AtpError('client_stopped', 'closed'))
  vi.useRealTimers()
})

const watcher: CallWatcher = {
  accepted: (callId) => told.push(callId),
  progress: (value) => told.push(value),
  chunk: (sequence, data) => told.push([sequence, data]),
}
const wait = (requestId: string) =>
  requests.wait(requestId, { watcher, timeoutMs: 1_000, onExpire: () => new AtpError('deadline_exceeded', 'late') })

it('tells of a call until its end, and of nothing that comes in the same turn after it', async () => {
  const answer = wait('q1')
  requests.onFrame({ type: 'progress', requestId: 'q1', progress: 1 })
  requests.onFrame({ type: 'chunk', requestId: 'q2', sequence: 0, data: 'of another' })
  requests.onFrame({ type: 'result', requestId: 'q1', callId: 'c1', ok: true, result: 2 })
  requests.onFrame({ type: 'progress', requestId: 'q1', progress: 'late' })
  expect(await answer).toEqual({ type: 'result', result: 2 })
  expect(told).toEqual([1, 'c1'])
})

it('tells of nothing after a call was given up', async () => {
  const failed = expect(wait('q1')).rejects.toMatchObject({ code: 'cancelled' })
  expect(requests.reject('q1', new AtpError('cancelled', 'left'))).toBe(true)
  requests.onFrame({ type: 'progress', requestId: 'q1', progress: 'late' })
  expect(requests.reject('q1', new AtpError('cancelled', 'left'))).toBe(false)
  await failed
  expect(told).toEqual([])
})

it('says when nothing is under way any more on a connection that the server closes', async () => {
  const early = wait('q0')
  requests.onFrame({ type: 'result', requestId: 'q0', ok: true, result: 1 })
  await early
  requests.onFrame({ type: 'drain', deadlineMs: 1_000 })
  const [first, second] = [wait('q1'), wait('q2')]
  requests.onFrame({ type: 'result', requestId: 'q1', ok: true, result: 1 })
  await first
  expect([requests.size, idle]).toEqual([1, 0])
  requests.onFrame({ type: 'result', requestId: 'q2', ok: true, result: 1 })
  await second
  expect([requests.size, idle]).toEqual([0, 1])
})

it('says so when the last request is given up, after whatever is said to the server in that turn', async () => {
  requests.onFrame({ type: 'drain', deadlineMs: 1_000 })
  const refused = expect(wait('q1')).rejects.toMatchObject({ code: 'cancelled' })
  requests.reject('q1', new AtpError('cancelled', 'left'))
  expect(idle).toBe(0)
  await refused
  expect(idle).toBe(1)
  const late = expect(wait('q2')).rejects.toMatchObject({ code: 'deadline_exceeded' })
  await vi.advanceTimersByTimeAsync(2_000)
  await late
  requests.onFrame({ type: 'progress', requestId: 'q2', progress: 'late' })
  expect([idle, told]).toEqual([2, []])
})
