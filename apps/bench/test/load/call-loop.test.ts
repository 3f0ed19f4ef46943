import { describe, expect, it } from 'vitest'
import { runLoad } from '../../src/load/call-loop.ts'

/** A clock that moves only when told, and calls that take a number of its milliseconds. */
function fakeTime() {
  let time = 1_000
  return {
    now: () => time,
    callOf: (ms: number) => async () => {
      time += ms
    },
  }
}

describe('runLoad', () => {
  it('counts the calls that ended within the measuring time', async () => {
    const { now, callOf } = fakeTime()
    const sample = await runLoad(callOf(10), { concurrency: 1, durationMs: 100 }, now)
    expect(sample).toEqual({ calls: 10, callsPerSecond: 100, p50Us: 10_000, p99Us: 10_000 })
  })

  it('reports the call that was under way at the end, but not as throughput', async () => {
    const { now, callOf } = fakeTime()
    const sample = await runLoad(callOf(60), { concurrency: 1, durationMs: 100 }, now)
    expect(sample).toMatchObject({ calls: 2, callsPerSecond: 10 })
  })

  it('keeps exactly as many calls under way as asked for', async () => {
    let time = 0
    let underWay = 0
    const seen = new Set<number>()
    const call = async (): Promise<void> => {
      seen.add(++underWay)
      await new Promise((done) => setImmediate(done))
      time += 1
      underWay--
    }
    await runLoad(call, { concurrency: 8, durationMs: 100 }, () => time)
    expect(Math.max(...seen)).toBe(8)
    expect(underWay).toBe(0)
  })

  it('makes one call for each of them even in no time', async () => {
    const { now, callOf } = fakeTime()
    const sample = await runLoad(callOf(1), { concurrency: 3, durationMs: 0.5 }, now)
    expect(sample.calls).toBe(3)
  })

  it('fails when a call fails: a system that refuses fast must not look fast', async () => {
    const call = () => Promise.reject(new Error('busy'))
    await expect(runLoad(call, { concurrency: 2, durationMs: 100 })).rejects.toThrow('busy')
  })
})
