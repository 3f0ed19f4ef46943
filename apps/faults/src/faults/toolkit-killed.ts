import { type Fault, type FaultContext, type FaultReport, sized } from '../fault.ts'
import { ledgerNow } from '../ledger/ledger.ts'
import type { Excuse } from '../ledger/ledger-entry.ts'
import type { CallKind } from '../scene/caller-plan.ts'
import { Scene } from '../scene/scene.ts'

interface KilledOptions {
  protocol: 'ws' | 'http'
  /** What the caller is: one that sees every frame, or a client. */
  caller: 'raw' | 'ws'
  kinds: CallKind[]
}

/** Kills the two processes of a toolkit in turn, while calls run on both. */
async function killToolkits(
  context: FaultContext,
  { protocol, caller: by, kinds }: KilledOptions,
): Promise<FaultReport> {
  const kills = sized(context, { smoke: 2, quick: 6, full: 20 })
  // What a process of the inbox took waits for its lease: as long as by default only in full.
  const limits = sized(context, { smoke: { leaseMs: 2_000 }, quick: { leaseMs: 2_000 }, full: {} })
  await using scene = await Scene.start(context, { limits })
  const apiKey = await scene.key('toolkit', 'tools')
  const start = (name: string) => scene.toolkit({ name, apiKey, protocol })
  const processes = [await start('toolkit-0'), await start('toolkit-1')]
  const pace = { concurrency: 32 }
  // `work` may not run again elsewhere: that is what nobody can know. What a killed process took from its inbox waits for
  // its lease, and a second time where the next process is killed, too: its own time may be over before.
  const excuses: Excuse[] = protocol === 'ws' ? ['outcome_unknown'] : ['outcome_unknown', 'timed_out']
  const caller = await scene.caller({ name: 'caller', protocol: by, kinds, pace, workMs: 200, timeoutMs: 60_000 })
  for (let kill = 1; kill <= kills; kill += 1) {
    await caller.succeeds(30 + Math.round(Math.random() * 50))
    const at = ledgerNow()
    const index = kill % 2
    await processes[index]?.kill()
    processes[index] = await start(`toolkit-${index}`)
    await caller.succeeds(1)
    scene.fault('toolkit killed', excuses, { at, until: ledgerNow(), recoverFrom: at })
    context.progress(`kill ${kill} of ${kills}, ${caller.progress.succeeded} calls succeeded`)
  }
  await caller.succeeds(20)
  await caller.stop()
  return await scene.judge(kills)
}

/** `kill -9` of one of two processes of a toolkit behind their sockets. */
export const toolkitKilled: Fault = {
  name: 'toolkit-killed',
  summary: 'kill -9 of a connected toolkit process during its calls, beside another one of the same toolkit',
  run: (context) =>
    killToolkits(context, {
      protocol: 'ws',
      caller: 'raw',
      kinds: [
        { tool: 'work', how: 'live' },
        { tool: 'work_again', how: 'live' },
        { tool: 'fail', how: 'live' },
      ],
    }),
}

/** The same with processes that poll. */
export const pollingToolkitKilled: Fault = {
  name: 'toolkit-killed-inbox',
  summary: 'the same with processes that poll their inbox',
  run: (context) =>
    killToolkits(context, {
      protocol: 'http',
      caller: 'ws',
      kinds: [
        { tool: 'work', how: 'live' },
        { tool: 'work_again', how: 'detached' },
        { tool: 'work', how: 'detached' },
        { tool: 'work', how: 'keyed' },
        { tool: 'fail', how: 'live' },
      ],
    }),
}
