import { type Fault, sized } from '../fault.ts'
import { ledgerNow } from '../ledger/ledger.ts'
import type { LedgerEntry } from '../ledger/ledger-entry.ts'
import type { Violation } from '../oracle/judge.ts'
import { Scene } from '../scene/scene.ts'

/** The time a process has to end in order (rule S1), in milliseconds. */
const allowedMs = 25_000

/** SIGTERM while calls come at a steady rate, and a start right after it. */
export const serverTerminated: Fault = {
  name: 'server-terminated',
  summary: 'SIGTERM of the server under 200 calls a second, and a new start',
  async run(context) {
    const runs = sized(context, { smoke: 1, quick: 3, full: 10 })
    await using scene = await Scene.start(context)
    const toolkit = await scene.toolkit({ name: 'toolkit' })
    const kinds = [
      { tool: 'work', how: 'live' } as const,
      { tool: 'work_again', how: 'live' } as const,
      { tool: 'fail', how: 'live' } as const,
    ]
    const caller = await scene.caller({ name: 'caller', kinds, pace: { perSecond: 200 }, workMs: 300 })
    const violations: Violation[] = []
    const took: number[] = []
    for (let run = 1; run <= runs; run += 1) {
      await caller.succeeds(200)
      const { connections } = toolkit
      const at = ledgerNow()
      const { code, signal } = await scene.endServer('SIGTERM')
      const ms = ledgerNow() - at
      took.push(ms)
      if (code !== 0) violations.push({ rule: 'S1', text: `the server ended with ${signal ?? code} instead of 0` })
      if (ms > allowedMs) violations.push({ rule: 'S1', text: `the server took ${Math.round(ms)} ms to end` })
      const stoppedAt = ledgerNow()
      await scene.startServer()
      await toolkit.connected(connections + 1)
      await caller.succeeds(1)
      // Every call that had begun is answered before the sockets close. What is sent into a socket that closes in that
      // very moment is lost to its caller, but must not run: see `lostButRan`.
      const excuses = ['not_run', 'lost_connection'] as const
      scene.fault('server terminated', [...excuses], { at, until: ledgerNow(), recoverFrom: stoppedAt })
      context.progress(`end ${run} of ${runs} took ${Math.round(ms)} ms, ${caller.progress.succeeded} calls succeeded`)
    }
    await caller.stop()
    violations.push(...lostButRan(scene.entries()))
    const slowest = `the slowest end took ${(Math.max(...took) / 1_000).toFixed(1)} s`
    return await scene.judge(runs, [slowest], violations)
  },
}

/** Calls that ran although their caller was told that the connection was lost: an orderly end leaves none behind. */
function lostButRan(entries: readonly LedgerEntry[]): Violation[] {
  const ran = new Set(entries.flatMap((entry) => (entry.event === 'started' ? [entry.ref] : [])))
  return entries.flatMap((entry) => {
    const lost = entry.event === 'outcome' && entry.status === 'lost_connection' && ran.has(entry.ref)
    return lost ? [{ rule: 'S1', text: `${entry.ref} ran, and its caller lost the connection` }] : []
  })
}
