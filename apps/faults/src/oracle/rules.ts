import type { Excuse, Status } from '../ledger/ledger-entry.ts'
import type { Merged, Work } from './work.ts'

/** One rule about one piece of work: what is wrong with it, in words; nothing when all is well. */
export interface Rule {
  name: string
  /** What it demands. */
  demands: string
  check(work: Work, merged: Merged): string | undefined
}

/** An attempt that ended so is not the call's outcome where it has a key: its caller asks again. */
const passing = new Set<Status>(['not_run', 'lost_connection', 'in_progress'])

/** What says of the call itself that it did not run. Others are about the connection, or the server. */
const denials = new Set(['toolkit_offline', 'delivery_failed', 'queue_full'])

/** How a piece of work ended for its caller. */
export function finalOutcome({ outcomes }: Work): Work['outcomes'][number] | undefined {
  return outcomes.find(({ status }) => !passing.has(status)) ?? outcomes.at(-1)
}

/** Whether a fault happened while the work was under way that makes this possible. */
function isExcused({ sent, outcomes }: Work, { faults, endedAt }: Merged, excuse: Excuse): boolean {
  const from = sent[0]?.at ?? 0
  const to = outcomes.at(-1)?.at ?? endedAt
  return faults.some(({ at, until, excuses, who }) => {
    const meant = who === undefined || who === sent[0]?.by
    return meant && excuses.includes(excuse) && from <= until && to >= at
  })
}

/** The rules, in the order in which their breaches are told. */
export const rules: readonly Rule[] = [
  {
    name: 'answered',
    demands: 'every call that was sent is answered, and every call that was accepted has an outcome at the server',
    check(work, merged) {
      const { sent, accepted, outcomes } = work
      for (const { callId } of accepted) {
        const stored = merged.stored.get(callId)
        if (stored?.status === undefined) return `call ${callId} was accepted and has no outcome`
      }
      const silent = sent.find(({ attempt }) => !outcomes.some((outcome) => outcome.attempt === attempt))
      if (silent === undefined || isExcused(work, merged, 'no_answer')) return undefined
      return `attempt ${silent.attempt} was never answered`
    },
  },
  {
    name: 'answered-once',
    demands: 'no call has two outcomes, for its caller or at the server',
    check({ outcomes, started, accepted }, { logged }) {
      const attempts = outcomes.map(({ attempt }) => attempt)
      const twice = attempts.find((attempt, index) => attempts.indexOf(attempt) !== index)
      if (twice !== undefined)
        return `attempt ${twice} was answered ${attempts.filter((each) => each === twice).length} times`
      for (const callId of callIds({ started, accepted })) {
        const rows = logged.get(callId)?.length ?? 0
        if (rows > 1) return `call ${callId} is ${rows} times in the log`
      }
      return undefined
    },
  },
  {
    name: 'ran-once',
    demands: 'a tool that is not idempotent never runs twice',
    check({ sent, started }) {
      if (sent[0]?.idempotent !== false || started.length < 2) return undefined
      return `ran ${started.length} times: ${started.map(({ run }) => run).join(', ')}`
    },
  },
  {
    name: 'success-ran',
    demands: 'a call that succeeded brought the result of a run that ended well, a failed one the error of its run',
    check({ outcomes, finished }) {
      for (const { status, run, code } of outcomes) {
        if (status === 'succeeded' && !finished.some((each) => each.ok && each.run === run)) {
          return `succeeded with the result of run ${run}, which no toolkit knows`
        }
        if (code === 'tool_error' && !finished.some((each) => !each.ok)) return 'failed with an error that no run threw'
      }
      return undefined
    },
  },
  {
    name: 'not-run',
    demands: 'a call whose every attempt was refused or not delivered never ran, nor did one of which the log says so',
    check({ outcomes, sent, started }, { logged }) {
      const denied = started.find(({ callId }) => logged.get(callId)?.some(({ status }) => status === 'not_run'))
      if (denied !== undefined) return `the log says that call ${denied.callId} did not run, but it was ${denied.run}`
      const refused = outcomes.length === sent.length && outcomes.every(({ status }) => status === 'not_run')
      if (!refused || started.length === 0) return undefined
      return `its caller was told ${outcomes[0]?.code}, but it ran: ${started.map(({ run }) => run).join(', ')}`
    },
  },
  {
    name: 'explained',
    demands: 'a call ends in anything but what its tool does only where a fault explains it',
    check(work, merged) {
      const outcome = finalOutcome(work)
      if (outcome === undefined) return undefined
      const expected = work.sent[0]?.tool === 'fail' ? 'failed' : 'succeeded'
      const { status, code } = outcome
      const asExpected = status === expected && (status !== 'failed' || code === 'tool_error')
      if (asExpected || isExcused(work, merged, status)) return undefined
      const ended = work.finished.length > 0 ? ', although its tool had ended' : ''
      return `ended as ${status} (${code ?? 'no code'})${ended}, and no fault explains that`
    },
  },
  {
    name: 'same-answer',
    demands: 'attempts under one idempotency key get one answer, whatever became of the toolkit meanwhile',
    check({ sent, outcomes }) {
      if (sent[0]?.key !== true) return undefined
      const final = outcomes.filter(({ status }) => !passing.has(status))
      const answers = new Set(final.map(({ status, run }) => `${status} ${run ?? ''}`.trim()))
      if (answers.size > 1) return `was answered differently: ${[...answers].join(', ')}`
      const first = final[0]
      const denied = outcomes.find(({ attempt, code }) => {
        return first !== undefined && attempt > first.attempt && code !== undefined && denials.has(code)
      })
      return denied && `was answered ${first?.status}, and ${denied.code} when its caller asked again`
    },
  },
  {
    name: 'log-agrees',
    demands: 'the log and the stored outcome say what the caller was told',
    check(work, { logged, stored }) {
      const outcome = finalOutcome(work)
      const ids = callIds(work)
      const [callId] = ids
      // Several calls were made for one piece of work: which of them an attempt was is not known.
      if (outcome === undefined || passing.has(outcome.status) || ids.length !== 1 || callId === undefined)
        return undefined
      const row = logged.get(callId)?.[0]
      if (row !== undefined && row.status !== outcome.status) {
        return `its caller was told ${outcome.status}, the log says ${row.status}`
      }
      const kept = stored.get(callId)
      if (kept?.status === undefined || kept.status === outcome.status) return undefined
      return `its caller was told ${outcome.status}, the server has stored ${kept.status}`
    },
  },
]

function callIds({ started, accepted }: Pick<Work, 'started' | 'accepted'>): string[] {
  return [...new Set([...started, ...accepted].map(({ callId }) => callId))]
}
