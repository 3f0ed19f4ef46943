import type {
  AcceptedEntry,
  FaultEntry,
  FinishedEntry,
  LedgerEntry,
  LoggedEntry,
  OutcomeEntry,
  SentEntry,
  StartedEntry,
  StoredEntry,
  Written,
} from '../ledger/ledger-entry.ts'

/** All that the ledgers say of one piece of work. */
export interface Work {
  ref: string
  sent: (SentEntry & Written)[]
  accepted: (AcceptedEntry & Written)[]
  outcomes: (OutcomeEntry & Written)[]
  started: (StartedEntry & Written)[]
  finished: (FinishedEntry & Written)[]
}

/** Ledgers in the order in which an oracle reads them. */
export interface Merged {
  works: ReadonlyMap<string, Work>
  /** By call id. */
  logged: ReadonlyMap<string, (LoggedEntry & Written)[]>
  stored: ReadonlyMap<string, StoredEntry & Written>
  faults: readonly (FaultEntry & Written)[]
  /** When the last thing happened. */
  endedAt: number
}

/** Puts together what belongs together. */
export function mergeLedgers(entries: readonly LedgerEntry[]): Merged {
  const works = new Map<string, Work>()
  const logged = new Map<string, (LoggedEntry & Written)[]>()
  const stored = new Map<string, StoredEntry & Written>()
  const faults: (FaultEntry & Written)[] = []
  let endedAt = 0
  const workOf = (ref: string): Work => {
    let work = works.get(ref)
    if (work === undefined) {
      work = { ref, sent: [], accepted: [], outcomes: [], started: [], finished: [] }
      works.set(ref, work)
    }
    return work
  }
  for (const entry of entries) {
    endedAt = Math.max(endedAt, entry.at)
    switch (entry.event) {
      case 'sent':
        workOf(entry.ref).sent.push(entry)
        break
      case 'accepted':
        workOf(entry.ref).accepted.push(entry)
        break
      case 'outcome':
        workOf(entry.ref).outcomes.push(entry)
        break
      case 'started':
        workOf(entry.ref).started.push(entry)
        break
      case 'finished':
        workOf(entry.ref).finished.push(entry)
        break
      case 'logged':
        logged.set(entry.callId, [...(logged.get(entry.callId) ?? []), entry])
        break
      case 'stored':
        stored.set(entry.callId, entry)
        break
      case 'fault':
        faults.push(entry)
        break
      default:
        entry satisfies never
    }
  }
  return { works, logged, stored, faults, endedAt }
}
