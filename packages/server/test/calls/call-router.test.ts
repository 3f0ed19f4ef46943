import { AtpError, silentLogger } from '@atp/core'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createMemoryBus } from '../../src/bus/memory.ts'
import type { Call, CallOutcome } from '../../src/calls/call.ts'
import { CallLog } from '../../src/calls/call-log.ts'
import type { CallRequest } from '../../src/calls/call-request.ts'
import { CallRouter } from '../../src/calls/call-router.ts'
import { claimOf } from '../../src/calls/idempotency.ts'
import type { StoredAnswer, StoredCalls } from '../../src/calls/stored-calls.ts'
import { ToolNames } from '../../src/calls/tool-names.ts'
import { ToolkitDirectory } from '../../src/calls/toolkit-directory.ts'
import { DeliveryChain } from '../../src/delivery/delivery-chain.ts'
import type { CallLogStore, ToolkitStore } from '../../src/store/store.ts'
import { makeCall } from '../support/make-call.ts'

const { key, toolkit, tool } = makeCall().call

let router: CallRouter
let sent: Call[]
let insert: (call: Call) => Promise<StoredAnswer>
let outcomes: CallOutcome[]
let looking: PromiseWithResolvers<typeof toolkit | undefined> | undefined

beforeEach(async () => {
  sent = []
  looking = undefined
  insert = async () => ({ inserted: true })
  outcomes = []
  const store = {
    resolve: () => looking?.promise ?? Promise.resolve(toolkit),
    tools: async () => [tool, { ...tool, name: 'idempotent', annotations: { idempotent: true } }],
  } as unknown as ToolkitStore
  const calls = { append: async () => {} } as unknown as CallLogStore
  let ids = 0
  router = new CallRouter({
    directory: await ToolkitDirectory.create(store, createMemoryBus(silentLogger)),
    toolNames: new ToolNames(),
    deliveries: new DeliveryChain([
      {
        kind: 'socket',
        refusal: () => undefined,
        dispatch(call) {
          sent.push(call)
          call.dispatched()
          return undefined
        },
        cancel: vi.fn(),
      },
    ]),
    stored: {
      keepOutcomeMs: 1_000,
      async insert(call: Call) {
        call.stored = true
        const answer = await insert(call)
        call.stored = answer.inserted
        return answer
      },
      end(call: Call, outcome: CallOutcome) {
        outcomes.push(outcome)
        call.outcomeWritten()
        return { told: Promise.resolve(outcome), written: Promise.resolve(outcome) }
      },
      outcomeOf: async () => ({ outcome: { ok: true, result: 'first' }, endedAt: 1 }),
    } as unknown as StoredCalls,
    log: new CallLog({ store: calls, logger: silentLogger }),
    newId: () => {
      ids += 1
      return `call-${ids}`
    },
    limits: { maxCalls: 3, maxRequestChars: 1_000 },
  })
})

function request(more: Partial<CallRequest> = {}): CallRequest {
  const rest = { authToken: undefined, timeoutMs: undefined, provider: undefined, meta: undefined }
  return { key, toolkitId: 'test', tool: 'tool', params: {}, requestChars: 10, ...rest, ...more }
}

const deaf = { onOutcome: () => {} }
const start = (more: Partial<CallRequest> = {}): Promise<Call | undefined> => router.startLater(request(more), deaf)
const busy = expect.objectContaining({ code: 'busy' }) as unknown

describe('the calls under way for a key', () => {
  it('are so many at most, and others’ are none of them', async () => {
    for (let i = 0; i < 3; i += 1) await start()
    await expect(start()).rejects.toEqual(busy)
    expect(() => router.start(request(), deaf)).toThrow(expect.objectContaining({ code: 'busy' }))
    await expect(start({ key: { ...key, id: 'another' } })).resolves.toBeDefined()
    sent[0]?.succeed(1)
    await expect(start()).resolves.toBeDefined()
  })

  it('keep so much of their requests at most, and what has left is not kept', async () => {
    await start({ requestChars: 600 })
    await expect(start({ requestChars: 401 })).rejects.toEqual(busy)
    await expect(start({ requestChars: 400 })).resolves.toBeDefined()
    sent[0]?.written()
    await expect(start({ requestChars: 600 })).resolves.toBeDefined()
  })

  it('keep the requests of idempotent tools until they end', async () => {
    await start({ requestChars: 600, tool: 'idempotent' })
    sent[0]?.written()
    await expect(start({ requestChars: 600 })).rejects.toEqual(busy)
    sent[0]?.succeed(1)
    await expect(start({ requestChars: 600 })).resolves.toBeDefined()
  })

  it('count from the start, while their toolkit is looked up', async () => {
    looking = Promise.withResolvers()
    const first = start({ requestChars: 600 })
    await expect(start({ requestChars: 600 })).rejects.toEqual(busy)
    const others = [start(), start()]
    await expect(start()).rejects.toEqual(busy)
    looking.resolve(toolkit)
    await Promise.all([first, ...others])
    expect(router.inFlight).toBe(3)
  })

  it('do not count when they are refused', async () => {
    for (let i = 0; i < 10; i += 1) {
      await expect(start({ tool: 'unknown', requestChars: 900 })).rejects.toMatchObject({ code: 'tool_not_found' })
      expect(() => router.start(request({ tool: 'unknown', requestChars: 900 }), deaf)).toThrow(AtpError)
    }
    looking = Promise.withResolvers()
    const lost = start({ toolkitId: 'unknown', requestChars: 900 })
    looking.resolve(undefined)
    await expect(lost).rejects.toMatchObject({ code: 'toolkit_not_found' })
    await expect(start({ requestChars: 1_000 })).resolves.toBeDefined()
  })
})

describe('a call that is stored before it is accepted', () => {
  const keyed = (more: Partial<CallRequest> = {}) => start({ idempotencyKey: 'k', ...more })

  it.each(['', 'k'.repeat(256)])('is refused for a key of the wrong length, and takes no place', async (wrong) => {
    for (let i = 0; i < 10; i += 1) {
      await expect(keyed({ idempotencyKey: wrong, requestChars: 900 })).rejects.toMatchObject({
        code: 'invalid_request',
      })
    }
    expect(router.inFlight).toBe(0)
    await expect(keyed({ requestChars: 1_000 })).resolves.toBeDefined()
  })

  it('is refused when it cannot be stored, and takes no place', async () => {
    insert = () => Promise.reject(new AtpError('store_unavailable', 'no store'))
    for (let i = 0; i < 10; i += 1) await expect(keyed()).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(router.inFlight).toBe(0)
    expect(sent).toEqual([])
  })

  it('with a key that was used is told its answer, that it is under way, or that it was something else', async () => {
    const first = await keyed()
    const existing = { callId: first?.id ?? '', fingerprint: '' }
    insert = async () => ({ inserted: false, existing })
    await expect(keyed()).rejects.toMatchObject({ code: 'idempotency_mismatch' })
    existing.fingerprint = claimOf(sent[0] as Call, request({ idempotencyKey: 'k' }), 0)?.fingerprint ?? ''
    await expect(keyed()).rejects.toMatchObject({ code: 'idempotency_in_progress', details: { call_id: first?.id } })
    sent[0]?.succeed('first')
    await vi.waitFor(() => expect(router.inFlight).toBe(0))
    const onOutcome = vi.fn()
    await expect(router.startLater(request({ idempotencyKey: 'k' }), { onOutcome })).resolves.toBeUndefined()
    expect(onOutcome).toHaveBeenCalledExactlyOnceWith({ ok: true, result: 'first' }, first?.id)
    expect(sent).toHaveLength(1)
  })

  it('goes on without its caller, but not past its cancel', async () => {
    const onOutcome = vi.fn()
    const call = (await router.startLater(request({ idempotencyKey: 'k' }), { onOutcome })) as Call
    router.abandon(call, 'gone')
    expect(call.ended).toBe(false)
    router.cancel(call, 'enough')
    await vi.waitFor(() => expect(onOutcome).toHaveBeenCalledOnce())
    expect(onOutcome.mock.calls[0]?.[0]).toMatchObject({ error: { code: 'cancelled' } })
  })

  it('is told no more once it is accepted with detach', async () => {
    const [onAccepted, onOutcome] = [vi.fn(), vi.fn()]
    const call = await router.startLater(request({ detach: true }), { onAccepted, onOutcome })
    expect(onAccepted).toHaveBeenCalledExactlyOnceWith(call?.id)
    call?.succeed(1)
    await vi.waitFor(() => expect(router.inFlight).toBe(0))
    expect(outcomes).toEqual([{ ok: true, result: 1 }])
    expect(onOutcome).not.toHaveBeenCalled()
  })

  it('outlives a server that stops; any other one ends with it', async () => {
    const survivor = await keyed()
    const onOutcome = vi.fn()
    await router.startLater(request(), { onOutcome })
    await router.endAll()
    expect(onOutcome.mock.calls[0]?.[0]).toMatchObject({ error: { code: 'toolkit_disconnected' } })
    expect(survivor?.ended).toBe(false)
    await router.drain()
    await expect(keyed()).rejects.toMatchObject({ code: 'server_shutting_down' })
  })
})
