import { AtpError } from '@atp/core'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Call, CallOutcome } from '../../src/calls/call.ts'
import { type RestoreCallsOptions, restoreCalls } from '../../src/calls/restore-calls.ts'
import type { RestoredCall } from '../../src/calls/restored-call.ts'
import { steadyNow } from '../../src/calls/steady-clock.ts'
import type { StoredCall } from '../../src/store/durable-store.ts'
import { makeCall } from '../support/make-call.ts'

const { key, toolkit, tool } = makeCall().call
const tools = new Map([[tool.name, tool]])

let rows: StoredCall[]
let restored: RestoredCall[]
let refusals: (AtpError | undefined)[]
let ended: Map<string, CallOutcome>
let endRow: () => Promise<void>
let options: RestoreCallsOptions
const [inbox, socket, dispatchBy] = [vi.fn(), vi.fn(), vi.fn(() => undefined)]
const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }

beforeEach(() => {
  vi.clearAllMocks()
  rows = []
  restored = []
  refusals = []
  ended = new Map()
  endRow = async () => {}
  options = {
    keys: { find: async (_: string, id: string) => (id === key.id ? key : undefined) },
    writer: {
      unfinished: async (limit: number, after = '') => rows.filter(({ id }) => id > after).slice(0, limit),
    },
    stored: {
      async openRequest({ request }: StoredCall) {
        if (request === 'unreadable') throw new AtpError('vault_unreadable', 'the key is lost')
        return { params: {}, meantFor: 'process' }
      },
      async endRow({ id }: StoredCall, outcome: CallOutcome) {
        await endRow()
        ended.set(id, outcome)
      },
    },
    directory: { resolve: async (_: string, id: string) => (id === toolkit.id ? { toolkit, tools } : undefined) },
    router: {
      restore({ call, dispatch }: { call: RestoredCall; dispatch: (call: Call) => AtpError | undefined }) {
        restored.push(call)
        refusals.push(dispatch(makeCall({ ...call, authToken: undefined } as never).call))
      },
    },
    deliveries: { dispatchBy },
    socket: { restore: socket },
    inbox: { restore: inbox },
    restoreMs: 15_000,
    logger: log,
  } as unknown as RestoreCallsOptions
})

function row(id: string, more: Partial<StoredCall> = {}): void {
  const of = { projectId: key.projectId, keyId: key.id, toolkitId: toolkit.id, tool: tool.name }
  const state = { delivery: 'inbox', state: 'queued', deliveries: 0, leaseId: null, leaseUntil: null } as const
  const times = { deadlineAt: steadyNow() + 60_000, timeoutMs: 120_000, createdAt: 1 }
  const sealed = { dataKeyId: 'k', request: 'sealed', retriedAs: null, idempotent: false }
  rows.push({ id, ...of, ...state, ...times, ...sealed, ...more })
}

describe('the calls of an earlier server', () => {
  it('go to those that had them, each with the time that is left', async () => {
    row('a')
    row('b', { delivery: 'socket', state: 'dispatched' })
    row('c', { delivery: 'endpoint', state: 'dispatched' })
    row('d', { delivery: 'endpoint', state: 'dispatched', idempotent: true, deadlineAt: steadyNow() + 3_600_000 })
    await restoreCalls(options)
    expect(inbox).toHaveBeenCalledOnce()
    expect(socket).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ id: 'b' }), 15_000)
    expect(dispatchBy).toHaveBeenCalledExactlyOnceWith('endpoint', expect.objectContaining({ id: 'd' }))
    expect(refusals.map((refusal) => refusal?.code)).toEqual([undefined, undefined, 'toolkit_disconnected', undefined])
    expect(restored.map(({ timeoutMs }) => timeoutMs)).toEqual([120_000, 120_000, 120_000, 120_000])
    expect(restored[0]?.leftMs).toBeGreaterThan(59_000)
    expect(restored[0]?.leftMs).toBeLessThanOrEqual(60_000)
    // A clock that was set back gives it no more than it had.
    expect(restored[3]?.leftMs).toBe(120_000)
  })

  it('were meant for one process alone only where they could not run twice when they were stored', async () => {
    row('a', { delivery: 'socket', state: 'dispatched' })
    row('b', { delivery: 'socket', state: 'dispatched', idempotent: true })
    await restoreCalls(options)
    expect(restored.map(({ meantFor }) => meantFor)).toEqual(['process', undefined])
  })

  it('end when their tool, toolkit or key is gone: as never run only where nobody had them', async () => {
    row('a', { tool: 'gone' })
    row('b', { toolkitId: 'gone', state: 'acked' })
    row('c', { keyId: 'gone', delivery: 'socket', state: 'dispatched' })
    await restoreCalls(options)
    expect([...ended.values()]).toMatchObject([
      { error: { code: 'delivery_failed' } },
      { error: { code: 'outcome_unknown' } },
      { error: { code: 'outcome_unknown' } },
    ])
    expect(restored).toEqual([])
  })

  it('that cannot be read keep neither the others nor the server from going on', async () => {
    row('a', { delivery: 'socket', state: 'dispatched', request: 'unreadable' })
    row('b')
    endRow = () => Promise.reject(new AtpError('vault_unreadable', 'the key is lost'))
    await restoreCalls(options)
    expect(restored.map(({ id }) => id)).toEqual(['b'])
    expect(log.error).toHaveBeenCalledExactlyOnceWith(
      'call.outcome_not_written',
      expect.objectContaining({ callId: 'a' }),
    )
  })

  it('are not begun while the store is not there', async () => {
    row('a', { tool: 'gone' })
    endRow = () => Promise.reject(new AtpError('store_unavailable', 'no store'))
    await expect(restoreCalls(options)).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  it('are all taken, page by page', async () => {
    for (let i = 0; i < 1_001; i += 1) row(`call-${String(i).padStart(4, '0')}`)
    await restoreCalls(options)
    expect(inbox).toHaveBeenCalledTimes(1_001)
    expect(log.info).toHaveBeenCalledWith('calls.restored', { calls: 1_001 })
  })
})
