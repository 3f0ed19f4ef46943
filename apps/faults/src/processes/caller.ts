import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { serve } from '../children/serve.ts'
import { type Ledger, openLedger } from '../ledger/ledger.ts'
import { createDoor, type Door } from '../scene/caller-door.ts'
import type { CallerPlan, CallerProgress, CallKind } from '../scene/caller-plan.ts'
import { createPace } from '../scene/pace.ts'

/** How long one piece of work with a key is tried again before its caller gives up, in milliseconds. */
const patienceMs = 60_000
const betweenAttemptsMs = 200
/** How many of the answers under a key are asked for once more. */
const askAgainShare = 0.25
/** How often the parent is told how it goes, in milliseconds. */
const tellMs = 25

/* A caller that writes down each call before it sends it, and each answer once it has it. */
serve(async (plan: CallerPlan, parent) => {
  const ledger = openLedger(plan.ledgers, plan.name)
  const door = createDoor(plan)
  const progress: CallerProgress = { sent: 0, underWay: 0, succeeded: 0 }
  const pace = createPace(plan)
  let stopped = false
  let number = 0

  async function one(): Promise<void> {
    const kind = plan.kinds[number % plan.kinds.length] as CallKind
    number += 1
    progress.sent += 1
    progress.underWay += 1
    const succeeded = await runWork(kind, plan, ledger, door)
    progress.underWay -= 1
    if (succeeded) progress.succeeded += 1
  }

  const running = new Set<Promise<void>>()
  async function load(): Promise<void> {
    while (!stopped) {
      const begun = one()
      running.add(begun)
      void begun.finally(() => running.delete(begun))
      await pace(running)
    }
  }
  const loading = load()
  // A defect of the harness must not look like a call without an answer.
  loading.catch((error: unknown) => parent.tell('defect', String(error)))
  const telling = setInterval(() => parent.tell('progress', progress), tellMs)
  return {
    commands: {
      progress: () => progress,
      /** Sends nothing more and waits for what is under way. */
      async stop(): Promise<CallerProgress> {
        stopped = true
        await loading
        await Promise.all(running)
        clearInterval(telling)
        await door.close()
        return progress
      },
    },
  }
})

/** One piece of work until its last answer. Returns whether it succeeded. */
async function runWork(kind: CallKind, plan: CallerPlan, ledger: Ledger, door: Door): Promise<boolean> {
  const ref = randomUUID()
  const ms = Math.round(Math.random() * plan.workMs)
  const key = kind.how === 'keyed' || kind.how === 'detached' ? ref : undefined
  const params = { ref, ms, ...(kind.ballast !== undefined && { ballast: 'x'.repeat(kind.ballast) }) }
  /** Whether the answer is being asked for once more. */
  let asked = kind.how !== 'keyed' || Math.random() > askAgainShare
  const giveUpAt = performance.now() + patienceMs
  for (let attempt = 1; ; attempt += 1) {
    ledger.write({
      event: 'sent',
      ref,
      attempt,
      tool: kind.tool,
      idempotent: kind.tool === 'work_again',
      key: key !== undefined,
    })
    const answers = door.call({ kind, params, key, timeoutMs: plan.timeoutMs }, (callId) => {
      ledger.write({ event: 'accepted', ref, attempt, callId })
    })
    let last: Awaited<ReturnType<Door['call']>>[number] | undefined
    for (const answer of await answers) {
      const { at, ...outcome } = answer
      ledger.write({ event: 'outcome', ref, attempt, ...outcome }, at)
      last = answer
    }
    const mustTryAgain = key !== undefined && last !== undefined && mayTryAgain.has(last.status)
    if (!mustTryAgain && (key === undefined || asked)) return last?.status === 'succeeded'
    if (performance.now() > giveUpAt) return false
    // A key is for asking again: the answer must be the one that it was.
    asked = !mustTryAgain
    await sleep(betweenAttemptsMs)
  }
}

const mayTryAgain = new Set(['not_run', 'lost_connection', 'in_progress'])
