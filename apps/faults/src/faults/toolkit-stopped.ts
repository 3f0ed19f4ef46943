import { setTimeout as sleep } from 'node:timers/promises'
import { type Fault, type FaultContext, type FaultReport, sized } from '../fault.ts'
import { ledgerNow } from '../ledger/ledger.ts'
import { Scene } from '../scene/scene.ts'

/** Lets a toolkit stand still (SIGSTOP) and go on later, as a machine that sleeps. */
async function stopToolkit(context: FaultContext, protocol: 'ws' | 'http'): Promise<FaultReport> {
  const stopMs = sized(context, { smoke: 4_000, quick: 8_000, full: 60_000 })
  // Where the stop is shorter, so is what the server waits for a sign of life.
  const limits = sized(context, {
    smoke: { heartbeatMs: 600, livenessMs: 2_500, leaseMs: 2_000 },
    quick: { heartbeatMs: 800, livenessMs: 3_000, leaseMs: 3_000 },
    full: {},
  })
  const runs = sized(context, { smoke: 1, quick: 2, full: 1 })
  await using scene = await Scene.start(context, { limits })
  const apiKey = await scene.key('toolkit', 'tools')
  const toolkit = await scene.toolkit({ name: 'sleeper', apiKey, protocol })
  const caller = await scene.caller({
    name: 'caller',
    kinds: [
      { tool: 'work', how: 'live' },
      { tool: 'work_again', how: 'live' },
      { tool: 'work', how: 'keyed' },
    ],
    pace: { concurrency: 16 },
    workMs: 100,
    timeoutMs: 30_000,
  })
  for (let run = 1; run <= runs; run += 1) {
    await caller.succeeds(50)
    const at = ledgerNow()
    toolkit.signal('SIGSTOP')
    await sleep(stopMs)
    const recoverFrom = ledgerNow()
    toolkit.signal('SIGCONT')
    await caller.succeeds(20)
    const excuses = ['outcome_unknown', 'not_run', 'timed_out'] as const
    scene.fault('toolkit stopped', [...excuses], { at, until: ledgerNow(), recoverFrom })
    context.progress(`stop ${run} of ${runs}, ${caller.progress.succeeded} calls succeeded`)
  }
  await caller.stop()
  return await scene.judge(runs, [`stopped for ${stopMs / 1_000} s each time`])
}

/** A toolkit behind its socket stands still. */
export const toolkitStopped: Fault = {
  name: 'toolkit-stopped',
  summary: 'SIGSTOP of a connected toolkit during its calls, 60 s in full; then it goes on',
  run: (context) => stopToolkit(context, 'ws'),
}

/** A toolkit that polls stands still, with calls that it took and has not begun. */
export const pollingToolkitStopped: Fault = {
  name: 'toolkit-stopped-inbox',
  summary: 'the same with a toolkit that polls its inbox: what it took before must not run after its lease',
  run: (context) => stopToolkit(context, 'http'),
}
