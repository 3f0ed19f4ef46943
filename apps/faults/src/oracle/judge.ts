import type { LedgerEntry } from '../ledger/ledger-entry.ts'
import { finalOutcome, rules } from './rules.ts'
import { type Merged, mergeLedgers } from './work.ts'

/** A rule that was broken. */
export interface Violation {
  rule: string
  /** Which work, and what is wrong with it. */
  text: string
}

/** What the ledgers of one fault show. */
export interface Verdict {
  /** Pieces of work that were sent. */
  calls: number
  succeeded: number
  /** Calls without an answer that they should have had. */
  lost: number
  /** Calls that ran twice and must not. */
  doubled: number
  /** Calls of which nobody could say whether they ran. */
  unknown: number
  /** The longest time from a fault until a call that was sent after it succeeded; null where nothing was measured. */
  slowestRecoveryMs: number | null
  violations: Violation[]
}

/** Judges merged ledgers by all rules. */
export function judge(entries: readonly LedgerEntry[]): Verdict {
  const merged = mergeLedgers(entries)
  const works = [...merged.works.values()].filter(({ sent }) => sent.length > 0)
  const violations: Violation[] = []
  for (const work of merged.works.values()) {
    if (work.sent.length === 0) violations.push({ rule: 'sent', text: `${work.ref}: ran, and nobody sent it` })
    for (const { name, check } of rules) {
      const wrong = check(work, merged)
      if (wrong !== undefined) violations.push({ rule: name, text: `${work.ref}: ${wrong}` })
    }
  }
  const finals = works.map((work) => finalOutcome(work)?.status)
  const count = (rule: string): number => violations.filter((each) => each.rule === rule).length
  return {
    calls: works.length,
    succeeded: finals.filter((status) => status === 'succeeded').length,
    lost: count('answered'),
    doubled: count('ran-once'),
    unknown: finals.filter((status) => status === 'outcome_unknown' || status === 'lost_connection').length,
    slowestRecoveryMs: slowestRecovery(merged),
    violations: [...violations, ...unrecovered(merged)],
  }
}

/** How long each fault took until a call succeeded that was sent after it; undefined for one after which none did. */
function recoveries({ works, faults }: Merged): { what: string; ms: number | undefined }[] {
  const successes = [...works.values()].flatMap(({ sent, outcomes }) => {
    return outcomes.flatMap(({ at, attempt, status }) => {
      const sentAt = sent.find((each) => each.attempt === attempt)?.at
      return status === 'succeeded' && sentAt !== undefined ? [{ sentAt, at }] : []
    })
  })
  return faults.flatMap(({ what, recoverFrom }) => {
    if (recoverFrom === undefined) return []
    const ends = successes.filter(({ sentAt }) => sentAt >= recoverFrom).map(({ at }) => at)
    return [{ what, ms: ends.length === 0 ? undefined : ends.reduce((a, b) => Math.min(a, b)) - recoverFrom }]
  })
}

function slowestRecovery(merged: Merged): number | null {
  const measured = recoveries(merged).flatMap(({ ms }) => (ms === undefined ? [] : [ms]))
  return measured.length === 0 ? null : Math.max(...measured)
}

function unrecovered(merged: Merged): Violation[] {
  return recoveries(merged).flatMap(({ what, ms }) =>
    ms === undefined ? [{ rule: 'recovered', text: `${what}: no call that was sent after it succeeded` }] : [],
  )
}
