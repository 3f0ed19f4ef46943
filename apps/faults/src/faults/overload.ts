import { setTimeout as sleep } from 'node:timers/promises'
import { type Fault, sized } from '../fault.ts'
import { ledgerNow } from '../ledger/ledger.ts'
import type { Violation } from '../oracle/judge.ts'
import { steadyPercentile, timesOf } from '../oracle/latency.ts'
import { Scene } from '../scene/scene.ts'

/** What the toolkit can do: so many calls at once that take so long, in milliseconds. */
const concurrency = 32
const workMs = 200
/** Tools take half of the longest time on average. */
const capacityPerSecond = concurrency / (workMs / 2 / 1_000)

const factor = 3
/** What is promised, and what still holds on a machine that runs other tests meanwhile. */
const promised = { goodputShare: 0.8, refusedWithinMs: 100, recoveredWithinMs: 5_000 }
const besideTests = { goodputShare: 0.5, refusedWithinMs: 2_000, recoveredWithinMs: 10_000 }

/** Three times what a toolkit can do comes in, for a while. */
export const overload: Fault = {
  name: 'overload',
  summary: 'three times the calls that a toolkit can do: goodput, how soon the rest is refused, recovery',
  alone: true,
  async run(context) {
    const { goodputShare, refusedWithinMs, recoveredWithinMs } = sized(context, {
      smoke: besideTests,
      quick: promised,
      full: promised,
    })
    const ms = sized(context, { smoke: 3_000, quick: 8_000, full: 30_000 })
    await using scene = await Scene.start(context)
    await scene.toolkit({ name: 'toolkit', maxConcurrency: concurrency })
    const kinds = [{ tool: 'work', how: 'live' } as const]
    // As many at once as the toolkit takes: its peak.
    const peak = await scene.caller({ name: 'peak', kinds, pace: { concurrency }, workMs })
    await peak.succeeds(concurrency)
    const peakFrom = ledgerNow()
    await sleep(ms / 2)
    const peakTo = ledgerNow()
    await peak.stop()
    const at = ledgerNow()
    const flood = await scene.caller({ name: 'flood', kinds, pace: { perSecond: factor * capacityPerSecond }, workMs })
    await flood.succeeds(concurrency)
    const floodFrom = ledgerNow()
    await sleep(ms)
    const floodTo = ledgerNow()
    // Every one of the overload must be out of the way before what comes after it is judged.
    const stopping = flood.stop()
    const after = await scene.caller({ name: 'after', kinds, pace: { concurrency: concurrency / 4 }, workMs })
    await after.succeeds(50)
    const normalAt = ledgerNow()
    await Promise.all([after.stop(), stopping])
    scene.fault('overload', ['not_run'], { at, until: floodTo + recoveredWithinMs, recoverFrom: floodTo })

    const entries = scene.entries()
    const rate = (by: string, from: number, to: number): number => {
      const ended = timesOf(entries, by).filter(({ sentAt, ms: took, status }) => {
        return status === 'succeeded' && sentAt + took >= from && sentAt + took < to
      })
      return ended.length / ((to - from) / 1_000)
    }
    const [best, good] = [rate('peak', peakFrom, peakTo), rate('flood', floodFrom, floodTo)]
    const refused = timesOf(entries, 'flood').filter(({ status }) => status === 'not_run')
    const refusedP99 = steadyPercentile(refused, 0.99, floodFrom, floodTo)
    const violations: Violation[] = []
    if (good < goodputShare * best)
      violations.push({ rule: 'goodput', text: `${good.toFixed(0)}/s of ${best.toFixed(0)}/s` })
    if (refused.length === 0) violations.push({ rule: 'overload', text: 'nothing was refused: it was no overload' })
    if (refusedP99 > refusedWithinMs) {
      violations.push({ rule: 'refused', text: `p99 of the refusals was ${refusedP99.toFixed(0)} ms` })
    }
    if (normalAt - floodTo > recoveredWithinMs) {
      violations.push({ rule: 'recovered', text: `50 calls after it took ${Math.round(normalAt - floodTo)} ms` })
    }
    const notes = [
      `goodput ${good.toFixed(0)}/s of a peak of ${best.toFixed(0)}/s (${Math.round((100 * good) / best)} %) under ` +
        `${factor * capacityPerSecond} calls/s; ${refused.length.toLocaleString('en-US')} refused, p99 ${refusedP99.toFixed(0)} ms`,
    ]
    return await scene.judge(1, notes, violations)
  },
}
