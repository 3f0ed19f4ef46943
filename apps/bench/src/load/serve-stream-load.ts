import { serveParent } from '../children/serve-parent.ts'
import { type LoadPlan, type LoadSample, runLoad } from './call-loop.ts'

/** Runs one streaming call to its end, and tells of each piece as it comes; rejects when one is not the right one. */
export type Stream = (onChunk: () => void) => Promise<void>

/**
 * Makes this process a load generator of streams. Its samples count pieces, those of streams that were under way at the
 * end of the measuring time included; the latencies are those of whole streams.
 * @param connect gets what the parent gave to `start`, and resolves with the stream once it would work
 */
export function serveStreamLoad<T>(connect: (data: T) => Promise<Stream>): void {
  let stream: Stream | undefined
  serveParent(
    async (data: T) => {
      stream = await connect(data)
      await stream(() => {})
    },
    {
      load: (plan: LoadPlan) => {
        if (stream === undefined) throw new Error('The load generator is not connected')
        return runStreams(stream, plan)
      },
    },
  )
}

/** Keeps streams under way and counts their pieces. @param now a clock in milliseconds */
export async function runStreams(
  stream: Stream,
  plan: LoadPlan,
  now: () => number = () => performance.now(),
): Promise<LoadSample> {
  let chunks = 0
  let inTime = 0
  const end = now() + plan.durationMs
  const onChunk = (): void => {
    chunks += 1
    if (now() <= end) inTime += 1
  }
  const { p50Us, p99Us } = await runLoad(() => stream(onChunk), plan, now)
  return { calls: chunks, callsPerSecond: (inTime * 1000) / plan.durationMs, p50Us, p99Us }
}
