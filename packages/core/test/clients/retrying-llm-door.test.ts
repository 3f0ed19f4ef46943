import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { DoorCall, LlmDoor } from '../../src/clients/llm-door.ts'
import { createRetryingLlmDoor } from '../../src/clients/retrying-llm-door.ts'
import { AtpError } from '../../src/errors/atp-error.ts'
import type { ErrorCode } from '../../src/errors/codes.ts'

/** What each attempt is answered with, in order: a code fails it. */
let answers: unknown[]
let sent: DoorCall[]
let keepsKeys: () => Promise<boolean>
let door: LlmDoor

beforeEach(() => {
  vi.useFakeTimers()
  answers = []
  sent = []
  keepsKeys = async () => true
  const attempt = async (call: DoorCall): Promise<unknown> => {
    sent.push(call)
    const answer = answers.shift()
    if (answer instanceof Error) throw answer
    return answer
  }
  const plain: LlmDoor = {
    context: () => Promise.reject(new Error('not asked for')),
    call: attempt,
    detach: (call) => attempt(call) as Promise<string>,
    keepsKeys: () => keepsKeys(),
    close: async () => {},
  }
  door = createRetryingLlmDoor(plain, { random: () => 1 })
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const call = (more: Partial<DoorCall> = {}): DoorCall => ({
  toolkitId: 'demo',
  tool: 'pay',
  params: {},
  provider: undefined,
  userPrompt: undefined,
  idempotencyKey: 'order-1',
  ...more,
})
const failure = (code: ErrorCode, details?: Record<string, unknown>) =>
  new AtpError(code, `it was ${code}`, details ? { details } : {})
const lost = failure('connection_closed')

/** What becomes of it, whatever it has to wait for. */
async function ended<T>(running: Promise<T>): Promise<T | unknown> {
  const outcome = running.catch((error: unknown) => error)
  await vi.runAllTimersAsync()
  return outcome
}

describe('a call with an idempotency key', () => {
  it.each(['connection_closed', 'connection_failed'] as const)('is sent again after %s', async (code) => {
    answers = [failure(code), failure(code), 'paid']
    expect(await ended(door.call(call()))).toBe('paid')
    expect(sent).toHaveLength(3)
    expect(new Set(sent.map(({ idempotencyKey }) => idempotencyKey))).toEqual(new Set(['order-1']))
  })

  it('is sent three times in all, with growing waits', async () => {
    answers = [lost, lost, lost, 'too late']
    const from = performance.now()
    expect(await ended(door.call(call()))).toBe(lost)
    expect(sent).toHaveLength(3)
    expect(performance.now() - from).toBe(1_500)
  })

  it('is stored once, too', async () => {
    answers = [lost, 'c1']
    expect(await ended(door.detach(call()))).toBe('c1')
  })

  it.each(['tool_error', 'deadline_exceeded', 'outcome_unknown', 'busy', 'idempotency_in_progress'] as const)(
    'is not sent again after %s',
    async (code) => {
      const error = failure(code)
      answers = [error, 'again']
      expect(await ended(door.call(call()))).toBe(error)
    },
  )

  it('waits for the one that was lost where that still runs', async () => {
    const running = failure('idempotency_in_progress', { retryAfterMs: 1_000 })
    answers = [lost, running, running, running, running, 'paid']
    expect(await ended(door.call(call()))).toBe('paid')
  })

  it('takes no longer than its time, which the server is told', async () => {
    const running = failure('idempotency_in_progress')
    answers = [lost, ...Array.from({ length: 50 }, () => running)]
    const from = performance.now()
    expect(await ended(door.call(call({ timeoutMs: 10_000 })))).toBe(running)
    expect(performance.now() - from).toBeLessThan(10_000)
    expect(sent.map(({ timeoutMs }) => timeoutMs)).toEqual([10_000, 9_500, 8_500, 6_500, 2_500])
  })

  it('is not sent again to a server that would run it twice', async () => {
    keepsKeys = async () => false
    answers = [lost, 'again']
    expect(await ended(door.call(call()))).toBe(lost)
    expect(sent).toHaveLength(1)
  })

  it('is not sent again while nobody knows whether the server would', async () => {
    const probes = [failure('connection_failed'), true]
    keepsKeys = async () => {
      const probe = probes.shift()
      if (probe instanceof Error) throw probe
      return probe as boolean
    }
    answers = [lost, 'paid']
    expect(await ended(door.call(call()))).toBe('paid')
    expect(sent).toHaveLength(2)
    answers = [lost, 'paid again']
    expect(await ended(door.call(call()))).toBe('paid again')
    expect(probes).toEqual([])
  })

  it('waits no longer for its caller or client than they are there', async () => {
    const abort = new AbortController()
    answers = [lost, lost]
    const [first, second] = [door.call(call({ signal: abort.signal })), door.call(call())]
    const outcomes = Promise.allSettled([first, second])
    await vi.advanceTimersByTimeAsync(100)
    abort.abort('the user left')
    await door.close()
    expect(await outcomes).toMatchObject([{ reason: { code: 'cancelled' } }, { reason: { code: 'client_stopped' } }])
    expect(sent).toHaveLength(2)
  })
})

describe('a call without an idempotency key', () => {
  it('is never sent twice', async () => {
    answers = [lost, 'again']
    expect(await ended(door.call(call({ idempotencyKey: undefined })))).toBe(lost)
    expect(sent).toHaveLength(1)
  })
})
