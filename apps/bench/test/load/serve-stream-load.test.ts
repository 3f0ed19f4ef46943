import { describe, expect, it } from 'vitest'
import { runStreams, type Stream } from '../../src/load/serve-stream-load.ts'

describe('runStreams', () => {
  /** A stream of ten pieces that takes ten milliseconds of a clock of its own for each. */
  function tenPieces(): { stream: Stream; now: () => number } {
    let time = 0
    const stream: Stream = async (onChunk) => {
      for (let n = 0; n < 10; n += 1) {
        time += 10
        onChunk()
      }
    }
    return { stream, now: () => time }
  }

  it('counts the pieces that came in time, those of an unfinished stream included', async () => {
    const { stream, now } = tenPieces()
    const sample = await runStreams(stream, { concurrency: 1, durationMs: 250 }, now)
    expect(sample).toEqual({ calls: 30, callsPerSecond: 100, p50Us: 100_000, p99Us: 100_000 })
  })

  it('fails when a stream fails', async () => {
    const broken: Stream = () => Promise.reject(new Error('no luck'))
    await expect(runStreams(broken, { concurrency: 2, durationMs: 10 })).rejects.toThrow('no luck')
  })
})
