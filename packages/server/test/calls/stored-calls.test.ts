import { AtpError, silentLogger } from '@atp/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Call, CallOutcome } from '../../src/calls/call.ts'
import { StoredCalls, tokenFor } from '../../src/calls/stored-calls.ts'
import type { FinishAnswer, NewOutcome, StoredCall } from '../../src/store/durable-store.ts'
import type { DurableWriter } from '../../src/store/grouped-durable-store.ts'
import type { CallSeal } from '../../src/vault/call-seal.ts'
import { makeCall } from '../support/make-call.ts'

const unavailable = new AtpError('store_unavailable', 'no store')
const succeeded: CallOutcome = { ok: true, result: 1 }
const failed = (code: 'cancelled' | 'busy' | 'tool_error' | 'delivery_failed'): CallOutcome => ({
  ok: false,
  error: { code, message: code, retryable: false },
})

let stored: StoredCalls
let inserted: StoredCall[]
let finished: NewOutcome[]
let finish: () => Promise<FinishAnswer>
let insert: () => Promise<void>
let unreadable: AtpError | undefined

beforeEach(() => {
  vi.useFakeTimers()
  inserted = []
  finished = []
  unreadable = undefined
  finish = async () => 'ended'
  insert = async () => {}
  const writer = {
    async insert(row: StoredCall) {
      inserted.push(row)
      await insert()
      return { inserted: true }
    },
    async finish(outcome: NewOutcome) {
      const answer = await finish()
      finished.push(outcome)
      return answer
    },
    outcome: async () => ({ dataKeyId: 'k', outcome: JSON.stringify({ ok: true, result: 'first' }), endedAt: 5 }),
    purge: async () => 0,
  } as unknown as DurableWriter
  const seal = {
    async seal(_: unknown, bytes: Buffer) {
      if (unreadable) throw unreadable
      return { dataKeyId: 'k', sealed: bytes.toString() }
    },
    open: async (_: unknown, { sealed }: { sealed: string }) => Buffer.from(sealed),
  } as unknown as CallSeal
  stored = new StoredCalls({ writer, seal, logger: silentLogger })
})
afterEach(() => {
  stored.stop()
  vi.useRealTimers()
})

async function store(call: Call = makeCall().call): Promise<Call> {
  await stored.insert(call, 'inbox')
  return call
}

describe('a call that is stored', () => {
  it('has its times on one clock, whatever the wall clock is set to meanwhile', async () => {
    vi.setSystemTime(Date.now() + 90_000_000)
    const call = await store()
    const [row] = inserted
    expect((row?.deadlineAt ?? 0) - (row?.createdAt ?? 0)).toBe(1_000)
    expect(call.dataKeyId).toBe('k')
  })

  it('keeps its token for a tool that declares auth, of the same provider, and for no other', async () => {
    const github = { ...makeCall().call.tool, auth: { type: 'OAuth2', provider: 'github', with: null } }
    await store(makeCall({ authToken: 'none of its business' }).call)
    await store(makeCall({ authToken: 'secret', tool: github } as never).call)
    const [without, having] = await Promise.all(inserted.map((row) => stored.openRequest(row)))
    expect(inserted[0]?.request).not.toContain('business')
    expect(without && tokenFor(without, github as never)).toBeUndefined()
    expect(having && tokenFor(having, github as never)).toBe('secret')
    expect(having && tokenFor(having, { ...github, auth: { ...github.auth, provider: 'slack' } } as never)).toBe(
      undefined,
    )
    expect(having && tokenFor(having, makeCall().call.tool)).toBeUndefined()
    expect(having && tokenFor(having, undefined)).toBeUndefined()
  })

  it('that could not be stored is none, and whoever waits for its outcome is told', async () => {
    insert = () => Promise.reject(unavailable)
    const { call } = makeCall()
    const storing = stored.insert(call, 'inbox').catch((error: unknown) => error)
    const { told } = stored.end(call, failed('cancelled'))
    const written = vi.fn()
    call.onceWritten(written)
    expect(await storing).toBe(unavailable)
    expect(await told).toEqual(failed('cancelled'))
    expect(written).toHaveBeenCalledOnce()
    expect(finished).toEqual([])
  })
})

describe('an outcome', () => {
  it('waits for its call to be written', async () => {
    const inserting = Promise.withResolvers<void>()
    insert = () => inserting.promise
    const { call } = makeCall()
    const storing = store(call)
    const { written } = stored.end(call, failed('cancelled'))
    await vi.advanceTimersByTimeAsync(0)
    expect(finished).toEqual([])
    inserting.resolve()
    await storing
    await expect(written).resolves.toEqual(failed('cancelled'))
  })

  const full = () => Promise.reject(new Error('database or disk is full'))

  it('is tried again until it is written, for which its caller waits as long as it has time', async () => {
    const call = await store(makeCall({ timeoutMs: 60_000 }).call)
    const written = vi.fn()
    call.onceWritten(written)
    finish = full
    const end = stored.end(call, succeeded)
    await vi.advanceTimersByTimeAsync(45_000)
    expect(written).not.toHaveBeenCalled()
    finish = async () => 'ended'
    await vi.advanceTimersByTimeAsync(10_000)
    await expect(end.told).resolves.toEqual(succeeded)
    await expect(end.written).resolves.toEqual(succeeded)
    expect(written).toHaveBeenCalledOnce()
    call.onceWritten(written)
    expect(written).toHaveBeenCalledTimes(2)
  })

  it('of which its caller was told in the end that nobody knows is no other one later', async () => {
    const call = await store()
    finish = full
    const end = stored.end(call, succeeded)
    await vi.advanceTimersByTimeAsync(4_000)
    await expect(end.told).resolves.toMatchObject({ error: { code: 'outcome_unknown' } })
    await vi.advanceTimersByTimeAsync(3_600_000)
    finish = async () => 'ended'
    await vi.advanceTimersByTimeAsync(10_000)
    await expect(end.written).resolves.toMatchObject({ error: { code: 'outcome_unknown' } })
    expect(finished).toMatchObject([{ status: 'outcome_unknown', errorCode: 'outcome_unknown' }])
  })

  it('that is just being written when the time of its caller is over is waited for a moment more', async () => {
    const call = await store()
    const writing = Promise.withResolvers<FinishAnswer>()
    finish = () => writing.promise
    const end = stored.end(call, succeeded)
    await vi.advanceTimersByTimeAsync(3_500)
    writing.resolve('ended')
    await expect(end.told).resolves.toEqual(succeeded)
  })

  // Such as one with an idempotency key, one that nobody waits for, or one of an earlier server.
  it('of a call that survives its caller is asked for again, and is the true one then', async () => {
    const call = await store(makeCall({ survives: true }).call)
    finish = full
    const end = stored.end(call, succeeded)
    await vi.advanceTimersByTimeAsync(3_000)
    const details = { call_id: call.id }
    await expect(end.told).resolves.toMatchObject({ error: { code: 'idempotency_in_progress', details } })
    finish = async () => 'ended'
    await vi.advanceTimersByTimeAsync(10_000)
    await expect(end.written).resolves.toEqual(succeeded)
    expect(finished).toMatchObject([{ status: 'succeeded' }])
  })

  it('is the first one, when there is one already', async () => {
    const call = await store()
    finish = async () => 'late'
    await expect(stored.end(call, succeeded).told).resolves.toEqual({ ok: true, result: 'first' })
  })

  it('that can never be written is not waited for', async () => {
    const call = await store()
    const written = vi.fn()
    call.onceWritten(written)
    unreadable = new AtpError('vault_unreadable', 'the key is lost')
    await expect(stored.end(call, succeeded).written).resolves.toMatchObject({ error: { code: 'outcome_unknown' } })
    expect(written).toHaveBeenCalledOnce()
  })

  it('is not tried again once the server stops, and its toolkit keeps it', async () => {
    const call = await store()
    const written = vi.fn()
    call.onceWritten(written)
    finish = () => Promise.reject(unavailable)
    stored.stop()
    await expect(stored.end(call, succeeded).written).resolves.toMatchObject({ error: { code: 'outcome_unknown' } })
    expect(written).not.toHaveBeenCalled()
  })

  it.each([
    ['busy', false, true],
    ['delivery_failed', true, true],
    ['tool_error', true, false],
    ['cancelled', true, false],
    ['cancelled', false, true],
  ] as const)('%s of a call (sent: %s) frees its idempotency key: %s', async (code, sent, frees) => {
    const call = await store()
    if (sent) call.dispatched()
    await stored.end(call, failed(code)).written
    expect(finished).toMatchObject([{ forgetClaim: frees, dead: code === 'delivery_failed' }])
  })
})
