import { AtpError, silentLogger } from '@atp/core'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createMemoryBus } from '../../src/bus/memory.ts'
import type { Call } from '../../src/calls/call.ts'
import { CallLog } from '../../src/calls/call-log.ts'
import type { CallRequest } from '../../src/calls/call-request.ts'
import { CallRouter } from '../../src/calls/call-router.ts'
import type { StoredCalls } from '../../src/calls/stored-calls.ts'
import { ToolNames } from '../../src/calls/tool-names.ts'
import { ToolkitDirectory } from '../../src/calls/toolkit-directory.ts'
import { DeliveryChain } from '../../src/delivery/delivery-chain.ts'
import type { CallLogStore, ToolkitStore } from '../../src/store/store.ts'
import { makeCall } from '../support/make-call.ts'

const { key, toolkit, tool } = makeCall().call

let router: CallRouter
let sent: Call[]
let looking: PromiseWithResolvers<typeof toolkit | undefined> | undefined

beforeEach(async () => {
  sent = []
  looking = undefined
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
    stored: {} as StoredCalls,
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
