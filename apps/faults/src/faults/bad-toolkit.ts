import { setTimeout as sleep } from 'node:timers/promises'
import { type Fault, type FaultContext, type FaultReport, sized } from '../fault.ts'
import { ledgerNow } from '../ledger/ledger.ts'
import type { Excuse } from '../ledger/ledger-entry.ts'
import type { Violation } from '../oracle/judge.ts'
import { steadyPercentile, timesOf } from '../oracle/latency.ts'
import type { BadToolkitPlan } from '../processes/bad-toolkit.ts'
import type { CallKind } from '../scene/caller-plan.ts'
import { Scene } from '../scene/scene.ts'

/** What others may notice of it (rule X7); below the floor it is the noise of a machine that does other things, too. */
const allowedRatio = 2
const floorsMs = { smoke: 1_000, quick: 40, full: 40 }

/** What a bad toolkit may cost the server, in bytes. */
const allowedMemory = 256 * 1_048_576

interface BadOptions {
  how: BadToolkitPlan['how']
  kind: CallKind
  excuses: Excuse[]
}

/** Puts a toolkit that behaves badly, and a caller of it, beside a good toolkit and its caller. */
async function besideBad(context: FaultContext, { how, kind, excuses }: BadOptions): Promise<FaultReport> {
  const ms = sized(context, { smoke: 3_000, quick: 8_000, full: 30_000 })
  await using scene = await Scene.start(context, { limits: { stuckMs: 3_000 } })
  await scene.toolkit({ name: 'good' })
  const good = await scene.caller({
    name: 'good-caller',
    kinds: [
      { tool: 'work', how: 'live' },
      { tool: 'fail', how: 'live' },
    ],
    pace: { perSecond: 100 },
    workMs: 0,
  })
  // The first calls are slower: what is compared comes after them.
  await good.succeeds(50)
  const quietFrom = ledgerNow()
  await sleep(ms / 2)
  const at = ledgerNow()
  const before = await scene.server.ask<number>('memory')
  const apiKey = await scene.key('toolkit', 'bad')
  const plan: BadToolkitPlan = {
    name: 'bad',
    ledgers: scene.ledgers,
    baseUrl: scene.info.url,
    apiKey,
    appName: 'bad',
    how,
  }
  const bad = await scene.process('bad-toolkit', 'bad', plan)
  const victim = await scene.caller({
    name: 'bad-caller',
    apiKey: await scene.key('llm', 'bad'),
    protocol: 'raw',
    kinds: [{ ...kind, toolkitId: 'bad' }],
    pace: { perSecond: 50 },
    timeoutMs: 2_000,
  })
  let most = before
  const looking = setInterval(() => {
    void scene.server.ask<number>('memory').then(
      (memory) => {
        most = Math.max(most, memory)
      },
      () => {},
    )
  }, 250)
  await sleep(ms)
  clearInterval(looking)
  const until = ledgerNow()
  await victim.stop()
  const counts = await bad.ask<{ connections: number; sent: number }>('count')
  await bad.kill()
  await good.succeeds(50)
  await good.stop()
  scene.fault(`a toolkit that is ${how}`, excuses, { at, until: ledgerNow(), who: 'bad-caller' })
  scene.fault('the bad toolkit has gone', [], { at: until, until, recoverFrom: until })
  const times = timesOf(scene.entries(), 'good-caller')
  const [quietP99, loudP99] = [steadyPercentile(times, 0.99, quietFrom, at), steadyPercentile(times, 0.99, at, until)]
  const violations: Violation[] = []
  if (loudP99 > Math.max(sized(context, floorsMs), allowedRatio * quietP99)) {
    violations.push({ rule: 'X7', text: `p99 of others rose from ${quietP99.toFixed(1)} to ${loudP99.toFixed(1)} ms` })
  }
  if (most - before > allowedMemory) {
    violations.push({ rule: 'T6', text: `the server grew by ${Math.round((most - before) / 1_048_576)} MiB` })
  }
  const notes = [
    `p99 of another toolkit ${quietP99.toFixed(1)} ms before and ${loudP99.toFixed(1)} ms beside it; ` +
      `the server grew by ${Math.round((most - before) / 1_048_576)} MiB; ` +
      `${counts.sent.toLocaleString('en-US')} frames sent over ${counts.connections} connections`,
  ]
  return await scene.judge(1, notes, violations)
}

/** A toolkit that registers and then reads nothing. */
export const toolkitDeaf: Fault = {
  name: 'toolkit-deaf',
  summary: 'a toolkit that reads nothing, called with large arguments, beside a good one',
  alone: true,
  run: (context) =>
    besideBad(context, {
      how: 'deaf',
      kind: { tool: 'work', how: 'live', ballast: 100_000 },
      excuses: ['not_run', 'outcome_unknown', 'timed_out'],
    }),
}

/** A toolkit that sends progress, chunks, results of nothing, garbage, and every answer twice. */
export const toolkitFloods: Fault = {
  name: 'toolkit-floods',
  summary: 'a toolkit that floods with frames of all sorts and answers twice, beside a good one',
  alone: true,
  run: (context) =>
    besideBad(context, {
      how: 'flood',
      kind: { tool: 'work', how: 'live' },
      excuses: ['not_run', 'outcome_unknown', 'timed_out'],
    }),
}
