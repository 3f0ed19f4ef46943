import { describe, expect, it } from 'vitest'
import { newId } from '../../../src/keys/ids.ts'
import { type CallFilter, type CallRecord, callScanLimit, type Project } from '../../../src/store/store.ts'
import type { StoreContext } from './store-context.ts'

/** What holds of the call log in every store. */
export function describeCalls(given: StoreContext): void {
  describe('calls', () => {
    it('keeps a call as it was given', async () => {
      const calls = [
        call(given.project, { errorCode: 'tool_error', status: 'failed', durationMs: 0.125 }),
        call(given.project, { errorCode: null, durationMs: 600_000 }),
      ]
      await given.store.calls.append(calls)
      for (const one of calls) expect(await given.second.calls.find(given.project.id, one.id)).toEqual(one)
    })

    it('lists the newest call first', async () => {
      const calls = [call(given.project), call(given.project), call(given.project)]
      await given.store.calls.append([calls[1], calls[0], calls[2]] as CallRecord[])
      expect((await given.store.calls.list(given.project.id, {})).calls).toEqual(calls.toReversed())
    })

    it('takes a batch of thousands', async () => {
      const calls = Array.from({ length: 4_096 }, () => call(given.project))
      await given.store.calls.append(calls)
      expect((await given.store.calls.list(given.project.id, { limit: 1 })).calls).toEqual([calls.at(-1)])
      expect(await given.store.calls.find(given.project.id, calls[0]?.id ?? '')).toEqual(calls[0])
    })

    it('takes an empty batch', async () => {
      await given.store.calls.append([])
      expect((await given.store.calls.list(given.project.id, {})).calls).toEqual([])
    })

    it('writes all of a batch or nothing', async () => {
      const broken = { ...call(given.project), tool: null as unknown as string }
      await expect(given.store.calls.append([call(given.project), broken])).rejects.toThrow()
      expect((await given.store.calls.list(given.project.id, {})).calls).toEqual([])
      await given.store.calls.append([call(given.project)])
      expect((await given.store.calls.list(given.project.id, {})).calls).toHaveLength(1)
    })

    it('leaves a call that is there already as it is', async () => {
      const first = call(given.project)
      await given.store.calls.append([first])
      const next = call(given.project)
      await given.store.calls.append([{ ...first, status: 'failed' }, next])
      expect((await given.store.calls.list(given.project.id, {})).calls).toEqual([next, first])
    })

    it('takes batches of two callers at once', async () => {
      await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          (index % 2 ? given.store : given.second).calls.append([call(given.project), call(given.project)]),
        ),
      )
      expect((await given.store.calls.list(given.project.id, {})).calls).toHaveLength(20)
    })

    it('goes through all calls page by page, each of them once', async () => {
      const calls = Array.from({ length: 25 }, () => call(given.project))
      await given.store.calls.append(calls)
      const seen: string[] = []
      for (const expected of [10, 10, 5, 0]) {
        const { calls: page, next } = await given.store.calls.list(given.project.id, { before: seen.at(-1), limit: 10 })
        expect(next).toBe(expected === 10 ? page.at(-1)?.id : null)
        expect(page).toHaveLength(expected)
        seen.push(...page.map(({ id }) => id))
      }
      expect(seen).toEqual(calls.map(({ id }) => id).reverse())
    })

    it('gives 50 calls unless told, and at most 500', async () => {
      await given.store.calls.append(Array.from({ length: 510 }, () => call(given.project)))
      expect((await given.store.calls.list(given.project.id, {})).calls).toHaveLength(50)
      expect((await given.store.calls.list(given.project.id, { limit: 10_000 })).calls).toHaveLength(500)
    })

    it('filters by toolkit, tool and status, alone and together', async () => {
      const toolkitId = newId()
      const calls = [
        call(given.project, { toolkitId, tool: 'a', status: 'succeeded' }),
        call(given.project, { toolkitId, tool: 'b', status: 'failed' }),
        call(given.project, { tool: 'a', status: 'failed' }),
      ]
      await given.store.calls.append(calls)
      const listed = async (filter: object): Promise<number[]> =>
        (await given.store.calls.list(given.project.id, filter)).calls.map((one) =>
          calls.findIndex(({ id }) => id === one.id),
        )
      expect(await listed({ toolkitId })).toEqual([1, 0])
      expect(await listed({ tool: 'a' })).toEqual([2, 0])
      expect(await listed({ status: 'failed' })).toEqual([2, 1])
      expect(await listed({ toolkitId, tool: 'a', status: 'succeeded', before: calls[2]?.id })).toEqual([0])
      expect(await listed({ toolkitId, status: 'timed_out' })).toEqual([])
    })

    it('filters by delivery, error code and the time of the start', async () => {
      const since = 1_763_000_000_000
      const calls = [
        call(given.project, { delivery: 'inbox', startedAt: since - 1 }),
        call(given.project, { delivery: 'inbox', errorCode: 'busy', startedAt: since }),
        call(given.project, { errorCode: 'busy', startedAt: since + 1 }),
      ]
      await given.store.calls.append(calls)
      const listed = async (filter: CallFilter): Promise<number[]> =>
        (await given.store.calls.list(given.project.id, filter)).calls.map((one) =>
          calls.findIndex(({ id }) => id === one.id),
        )
      expect(await listed({ delivery: 'inbox' })).toEqual([1, 0])
      expect(await listed({ errorCode: 'busy' })).toEqual([2, 1])
      expect(await listed({ since })).toEqual([2, 1])
      expect(await listed({ since, delivery: 'inbox', errorCode: 'busy' })).toEqual([1])
      // Ids are younger than what these calls say of themselves.
      expect(await listed({ since: Date.now() + 3_600_000 })).toEqual([])
      expect(await listed({ since: 0 })).toEqual([2, 1, 0])
    })

    it('looks at no calls from long before the wanted time', async () => {
      const first = call(given.project)
      await given.store.calls.append([first, ...Array.from({ length: callScanLimit }, () => call(given.project))])
      const long = await given.store.calls.list(given.project.id, { since: 1_763_000_000_001 })
      expect(long).toEqual({ calls: [], next: expect.any(String) })
      const short = await given.store.calls.list(given.project.id, { since: Date.now() + 3_600_000 })
      expect(short).toEqual({ calls: [], next: null })
    })

    it('follows on from a call, oldest first, page by page', async () => {
      const calls = Array.from({ length: 5 }, (_, index) => call(given.project, { tool: index % 2 ? 'odd' : 'even' }))
      await given.store.calls.append([...calls, call(given.foreign)])
      const { project, store } = given
      const ids = calls.map(({ id }) => id)
      expect(await store.calls.list(project.id, { after: ids[0], limit: 3 })).toEqual({
        calls: calls.slice(1, 4),
        next: ids[3],
      })
      expect(await store.calls.list(project.id, { after: ids[3], limit: 3 })).toEqual({
        calls: calls.slice(4),
        next: null,
      })
      expect((await store.calls.list(project.id, { after: ids[0], tool: 'odd' })).calls).toEqual([calls[1], calls[3]])
      expect((await store.calls.list(project.id, { after: ids[0], before: ids[3] })).calls).toEqual(calls.slice(1, 3))
    })

    it('ends a page early rather than look at more than 20,000 calls, and says where to go on', async () => {
      const rare = call(given.project, { tool: 'rare' })
      const common = Array.from({ length: callScanLimit }, () => call(given.project))
      await given.store.calls.append([rare, ...common])
      const first = await given.store.calls.list(given.project.id, { tool: 'rare' })
      expect(first).toEqual({ calls: [], next: common[0]?.id })
      const second = await given.store.calls.list(given.project.id, { tool: 'rare', before: first.next ?? '' })
      expect(second).toEqual({ calls: [rare], next: null })
      const forward = await given.store.calls.list(given.project.id, { tool: 'rare', after: rare.id })
      expect(forward).toEqual({ calls: [], next: common.at(-1)?.id })
    })

    it('treats a call of another project like one that is not there', async () => {
      const theirs = call(given.foreign)
      await given.store.calls.append([theirs])
      expect(await given.store.calls.find(given.project.id, theirs.id)).toBeUndefined()
      expect((await given.store.calls.list(given.project.id, { toolkitId: theirs.toolkitId })).calls).toEqual([])
      expect(await given.store.calls.find(given.foreign.id, theirs.id)).toEqual(theirs)
    })
  })
}

function call(project: Project, change: Partial<CallRecord> = {}): CallRecord {
  return {
    id: newId(),
    projectId: project.id,
    keyId: newId(),
    toolkitId: newId(),
    toolkitName: 'weather',
    tool: 'forecast',
    delivery: 'socket',
    status: 'succeeded',
    errorCode: null,
    startedAt: 1_763_000_000_000,
    durationMs: 12,
    ...change,
  }
}
