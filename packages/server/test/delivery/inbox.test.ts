import { AtpError, silentLogger } from '@atp/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Call } from '../../src/calls/call.ts'
import type { StoredCalls } from '../../src/calls/stored-calls.ts'
import { InboxDelivery } from '../../src/delivery/inbox.ts'
import { InboxPoller } from '../../src/delivery/toolkit-inbox.ts'
import type { LeaseRequest, StoredCall } from '../../src/store/durable-store.ts'
import type { DurableWriter } from '../../src/store/grouped-durable-store.ts'
import { makeCall } from '../support/make-call.ts'

/* What happens between the memory of an inbox and its rows. The rows are those of a store that a test can hold up. */

const limits = { inboxCallsPerToolkit: 3, leaseMs: 30_000, inboxDeliveries: 2, inboxOnlineMs: 70_000 }
const unavailable = new AtpError('store_unavailable', 'no store')

type Row = Pick<StoredCall, 'id' | 'state' | 'leaseId' | 'deliveries'>

let rows: Map<string, Row>
/** Holds the named step of the store up until it is resolved, or makes it fail. */
let gates: { insert?: Promise<void>; lease?: Promise<void>; ack?: Promise<void>; release?: Promise<void> }
let inbox: InboxDelivery
let leaseIds = 0

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
  rows = new Map()
  gates = {}
  const writer = {
    async lease({ max, ack }: LeaseRequest) {
      const queued = [...rows.values()].filter(({ state }) => state === 'queued').slice(0, max)
      for (const row of queued) {
        leaseIds += 1
        Object.assign(row, { state: ack ? 'acked' : 'leased', leaseId: `lease-${leaseIds}`, deliveries: 1 })
      }
      const leased = queued.map((row) => ({ ...row }))
      await gates.lease
      return leased
    },
    async ack() {
      await gates.ack
      return true
    },
    async release({ callId }: { callId: string }) {
      await gates.release
      Object.assign(rows.get(callId) ?? {}, { state: 'queued', leaseId: null })
      return true
    },
  } as unknown as DurableWriter
  const stored = {
    async insert(call: Call) {
      call.stored = true
      rows.set(call.id, { id: call.id, state: 'queued', leaseId: null, deliveries: 0 })
      await gates.insert
      return { inserted: true }
    },
    openRequest: async () => ({ params: {} }),
  } as unknown as StoredCalls
  inbox = new InboxDelivery({ stored, writer, limits, logger: silentLogger })
})
afterEach(() => {
  inbox.stop()
  vi.useRealTimers()
})

function connect(): InboxPoller {
  const poller = new InboxPoller({ toolkitId: 'toolkit-1', keyId: 'key-1', tools: new Set(['tool']) })
  inbox.seen(poller)
  return poller
}

/** A step of the store that fails, whoever waits for it. */
function failed(): Promise<void> {
  const step = Promise.reject(unavailable)
  step.catch(() => {})
  return step
}

const never = new AbortController().signal
const poll = (poller: InboxPoller, more: { waitMs?: number; signal?: AbortSignal; ack?: boolean; max?: number } = {}) =>
  inbox.poll({ projectId: 'project-1', poller, max: 32, waitMs: 0, signal: never, ...more })
const flush = () => vi.advanceTimersByTimeAsync(0)
const ids = ({ calls }: { calls: { call: Call }[] }) => calls.map(({ call }) => call.id)

/** A call that is in the store. */
async function queued(id = 'call-1') {
  const made = makeCall({ id, timeoutMs: 300_000 })
  expect(inbox.dispatch(made.call)).toBeUndefined()
  await flush()
  return made
}

describe('a poll', () => {
  it('takes a call that it finds in the store before whoever stored it goes on, and it waits no more', async () => {
    const poller = connect()
    await queued('one')
    const insert = Promise.withResolvers<void>()
    gates.insert = insert.promise
    const { call } = makeCall({ id: 'two' })
    inbox.dispatch(call)
    expect(ids(await poll(poller)).sort()).toEqual(['one', 'two'])
    insert.resolve()
    await flush()
    expect([...inbox.depths()]).toEqual([['test', 0]])
  })

  it('hears of a call that begins to wait while the store is asked in vain', async () => {
    const [first, second] = [connect(), connect()]
    await queued('one')
    const lease = Promise.withResolvers<void>()
    gates.lease = lease.promise
    const polls = [poll(first, { waitMs: 25_000 }), poll(second, { waitMs: 25_000 })]
    await flush()
    rows.set('two', { id: 'two', state: 'queued', leaseId: null, deliveries: 0 })
    const { call } = makeCall({ id: 'two' })
    call.stored = true
    inbox.dispatch(call)
    lease.resolve()
    const answered = await Promise.all(polls)
    expect(answered.flatMap(ids).sort()).toEqual(['one', 'two'])
  })

  it.each([
    ['own', false],
    ['legacy', true],
  ])('of a client that goes while calls are leased gives them back, as if it had never been (%s)', async (_, ack) => {
    const poller = connect()
    const { call, onOutcome } = await queued()
    const gone = new AbortController()
    for (let times = 0; times < 5; times += 1) {
      const lease = Promise.withResolvers<void>()
      gates.lease = lease.promise
      const polling = poll(poller, { signal: gone.signal, ack })
      await flush()
      if (times === 4) gone.abort()
      else void poll(poller, { max: 0 })
      lease.resolve()
      expect(ids(await polling)).toEqual([])
    }
    gates = {}
    expect(ids(await poll(poller))).toEqual(['call-1'])
    expect(call.attempts).toBe(1)
    expect(onOutcome).not.toHaveBeenCalled()
  })

  it('tells of a cancel that an earlier one could not tell, because the store failed', async () => {
    const poller = connect()
    const { call } = await queued('one')
    await poll(poller)
    await queued('two')
    inbox.cancel(call, 'why')
    gates.lease = failed()
    await expect(poll(poller)).rejects.toBe(unavailable)
    gates = {}
    expect((await poll(poller)).cancelled).toEqual([{ callId: 'one', reason: 'why' }])
  })

  it('of a revoked key ends, and its toolkit is offline', async () => {
    const poller = connect()
    const polling = poll(poller, { waitMs: 25_000 })
    await flush()
    inbox.closeKey('another')
    inbox.closeKey('key-1')
    expect(await polling).toEqual({ calls: [], cancelled: [] })
    expect(inbox.refusal(makeCall().call)).toMatchObject({ code: 'toolkit_offline' })
  })
})

describe('a lease', () => {
  it('does not end while its renewal is being written', async () => {
    const poller = connect()
    const { onOutcome } = await queued()
    const [leased] = (await poll(poller)).calls
    const holder = { toolkitId: 'toolkit-1', leaseId: leased?.leaseId ?? '', poller }
    await expect(inbox.ack('call-1', holder)).resolves.toBe('ok')
    const ack = Promise.withResolvers<void>()
    gates.ack = ack.promise
    await vi.advanceTimersByTimeAsync(29_000)
    const renewing = inbox.ack('call-1', holder)
    await vi.advanceTimersByTimeAsync(3_000)
    ack.resolve()
    await expect(renewing).resolves.toBe('ok')
    await vi.advanceTimersByTimeAsync(29_000)
    expect(onOutcome).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(2_000)
    expect(onOutcome.mock.calls[0]?.[0]).toMatchObject({ error: { code: 'outcome_unknown' } })
  })

  it('that could not be given back is given back by the next look', async () => {
    const poller = connect()
    await queued()
    await poll(poller)
    gates.release = failed()
    await vi.advanceTimersByTimeAsync(31_000)
    gates = {}
    await vi.advanceTimersByTimeAsync(1_000)
    expect(ids(await poll(poller))).toEqual(['call-1'])
  })

  it('of another toolkit or process is nobody’s: not for parts, acks, results or errors', async () => {
    const [poller, stranger] = [connect(), connect()]
    const onPart = vi.fn()
    const { call, onOutcome } = makeCall({ timeoutMs: 300_000, onPart })
    inbox.dispatch(call)
    await flush()
    const [leased] = (await poll(poller)).calls
    const leaseId = leased?.leaseId ?? ''
    const part = { type: 'progress', progress: 1 } as const
    const result = { ok: true, result: 1 } as const
    const other = { toolkitId: 'toolkit-2', poller: stranger }
    expect(inbox.part('call-1', other, part)).toBe('late')
    expect(inbox.result('call-1', other, result)).toBe('late')
    await expect(inbox.ack('call-1', { ...other, leaseId })).resolves.toBe('late')
    const same = { toolkitId: 'toolkit-1', poller: stranger }
    expect(inbox.part('call-1', same, part)).toBe('lost')
    expect(inbox.result('call-1', same, result)).toBe('lost')
    expect(onPart).not.toHaveBeenCalled()
    expect(onOutcome).not.toHaveBeenCalled()
    expect(inbox.result('call-1', { toolkitId: 'toolkit-1', poller }, result)).toBe('ok')
  })

  it('of an earlier server tells the process that renews it of a cancel', async () => {
    const poller = connect()
    const { call } = makeCall({ timeoutMs: 300_000 })
    const row = { ...rows.get(''), id: 'call-1', toolkitId: 'toolkit-1', tool: 'tool', state: 'acked', deliveries: 1 }
    const lease = { leaseId: 'old', leaseUntil: Date.now() + 20_000, timeoutMs: 300_000 }
    inbox.restore(call, { ...row, ...lease } as unknown as StoredCall)
    await inbox.ack('call-1', { toolkitId: 'toolkit-1', leaseId: 'old', poller })
    inbox.cancel(call, 'why')
    expect((await poll(poller)).cancelled).toEqual([{ callId: 'call-1', reason: 'why' }])
  })
})

describe('the outcome of a call', () => {
  it('is acknowledged when it is written, to each who brings it', async () => {
    const poller = connect()
    const { call } = await queued()
    await poll(poller)
    const holder = { toolkitId: 'toolkit-1', poller }
    expect(inbox.result('call-1', holder, { ok: true, result: 1 })).toBe('ok')
    expect(inbox.result('call-1', holder, { ok: true, result: 1 })).toBe('late')
    const heard: string[] = []
    void inbox.written('toolkit-1', 'call-1').then(() => heard.push('first'))
    void inbox.written('toolkit-1', 'call-1').then(() => heard.push('second'))
    void inbox.written('toolkit-2', 'call-1').then(() => heard.push('stranger'))
    await flush()
    expect(heard).toEqual(['stranger'])
    call.outcomeWritten()
    await flush()
    expect(heard).toEqual(['stranger', 'first', 'second'])
    await inbox.written('toolkit-1', 'call-1')
  })
})

describe('an inbox', () => {
  it('counts what is being stored, so that a burst is not more than may wait (rule D5)', async () => {
    connect()
    const insert = Promise.withResolvers<void>()
    gates.insert = insert.promise
    const { call: accepted } = makeCall({ id: 'accepted' })
    inbox.expect(accepted)
    inbox.dispatch(makeCall({ id: 'a' }).call)
    inbox.dispatch(makeCall({ id: 'b' }).call)
    expect(inbox.refusal(makeCall().call)).toMatchObject({ code: 'queue_full' })
    inbox.discard(accepted)
    expect(inbox.refusal(makeCall().call)).toBeUndefined()
    insert.resolve()
  })

  it('keeps an accepted call whose toolkit went meanwhile', async () => {
    const { call, onOutcome } = makeCall()
    inbox.expect(call)
    call.stored = true
    rows.set(call.id, { id: call.id, state: 'queued', leaseId: null, deliveries: 0 })
    expect(inbox.dispatch(call)).toBeUndefined()
    expect(onOutcome).not.toHaveBeenCalled()
    expect(ids(await poll(connect()))).toEqual([call.id])
  })

  it('that stops ends what nobody was given, keeps what survives, and takes back what is being leased', async () => {
    const poller = connect()
    const given = await queued('given')
    const [{ leaseId = '' } = {}] = (await poll(poller)).calls
    const waiting = await queued('waiting')
    const survivor = makeCall({ id: 'survivor', survives: true })
    survivor.call.stored = true
    inbox.dispatch(survivor.call)
    inbox.stopPolls()
    expect(waiting.onOutcome.mock.calls[0]?.[0]).toMatchObject({ error: { code: 'server_shutting_down' } })
    expect(survivor.onOutcome).not.toHaveBeenCalled()
    expect(given.onOutcome).not.toHaveBeenCalled()
    expect(await poll(poller, { waitMs: 25_000 })).toEqual({ calls: [], cancelled: [] })
    inbox.result('given', { toolkitId: 'toolkit-1', leaseId }, { ok: true, result: 1 })
    expect(given.onOutcome.mock.calls[0]?.[0]).toEqual({ ok: true, result: 1 })
  })
})

it('forgets the inbox of a toolkit that nobody polls any more, and not what waits in one', async () => {
  connect()
  const { call } = await queued()
  await vi.advanceTimersByTimeAsync(72_000)
  expect([...inbox.depths()]).toEqual([['test', 1]])
  inbox.cancel(call, 'why')
  await vi.advanceTimersByTimeAsync(1_000)
  expect([...inbox.depths()]).toEqual([])
})
