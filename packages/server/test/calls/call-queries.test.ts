import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Call, CallOutcome } from '../../src/calls/call.ts'
import { CallQueries } from '../../src/calls/call-queries.ts'
import type { CallRouter } from '../../src/calls/call-router.ts'
import type { StoredCalls } from '../../src/calls/stored-calls.ts'
import type { ToolkitDirectory } from '../../src/calls/toolkit-directory.ts'
import type { DurableWriter } from '../../src/store/grouped-durable-store.ts'
import { makeCall } from '../support/make-call.ts'

const { key } = makeCall().call
const never = new AbortController().signal

let calls: Map<string, Call>
let ended: Map<string, Set<() => void>>
let outcomes: Map<string, CallOutcome>
let queries: CallQueries

beforeEach(() => {
  calls = new Map()
  ended = new Map()
  outcomes = new Map()
  const router = {
    find: (id: string) => calls.get(id),
    onceEnded(id: string, listener: () => void) {
      const listeners = ended.get(id) ?? new Set()
      ended.set(id, listeners.add(listener))
      return () => listeners.delete(listener)
    },
  } as unknown as CallRouter
  const writer = {
    find: async (projectId: string, id: string) =>
      projectId === key.projectId && outcomes.has(id)
        ? { id, keyId: key.id, toolkitId: 'toolkit-1', tool: 'tool', createdAt: 1 }
        : undefined,
  } as unknown as DurableWriter
  const stored = {
    outcomeOf: async (_: string, id: string) => ({ outcome: outcomes.get(id), endedAt: 2 }),
  } as unknown as StoredCalls
  const directory = { resolve: async () => undefined } as unknown as ToolkitDirectory
  queries = new CallQueries({ router, stored, writer, directory })
})

function run(id: string): void {
  calls.set(id, makeCall({ id }).call)
}

function end(id: string, outcome: CallOutcome): void {
  calls.delete(id)
  outcomes.set(id, outcome)
  for (const listener of ended.get(id) ?? []) listener()
}

describe('asking for a call', () => {
  it('tells that it runs, and its outcome once it has one', async () => {
    run('a')
    await expect(queries.get(key, 'a', 0, never)).resolves.toMatchObject({ status: 'running', tool: 'tool' })
    const waiting = queries.get(key, 'a', 25_000, never)
    end('a', { ok: true, result: 7 })
    await expect(waiting).resolves.toMatchObject({ status: 'succeeded', ok: true, result: 7, ended_at: 2 })
    end('b', { ok: false, error: { code: 'deadline_exceeded', message: 'late', retryable: true } })
    await expect(queries.get(key, 'b', 0, never)).resolves.toMatchObject({ status: 'timed_out', ok: false })
  })

  it('finds nothing for another key, of the project or of another one, running or ended (rule K8)', async () => {
    run('a')
    end('b', { ok: true, result: 'secret' })
    const others = [
      { ...key, id: 'key-2' },
      { ...key, id: 'key-2', projectId: 'project-2' },
    ]
    for (const other of others) {
      for (const id of ['a', 'b', 'never']) {
        await expect(queries.get(other, id, 25_000, never)).rejects.toMatchObject({ code: 'not_found' })
      }
    }
  })

  it('ends its wait when its caller goes, when its time is over, and when the server stops', async () => {
    vi.useFakeTimers()
    try {
      run('a')
      const running = expect.objectContaining({ status: 'running' }) as unknown
      const gone = new AbortController()
      const ofGone = queries.get(key, 'a', 25_000, gone.signal)
      gone.abort()
      expect(await ofGone).toEqual(running)
      const late = queries.get(key, 'a', 1_000, never)
      await vi.advanceTimersByTimeAsync(1_000)
      expect(await late).toEqual(running)
      const stopped = queries.get(key, 'a', 25_000, never)
      queries.stop()
      expect(await stopped).toEqual(running)
      expect(await queries.get(key, 'a', 25_000, never)).toEqual(running)
      expect(ended.get('a')?.size).toBe(0)
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})
