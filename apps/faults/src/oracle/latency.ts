import type { LedgerEntry } from '../ledger/ledger-entry.ts'

/** One attempt of a caller and how long it took. */
export interface Timed {
  sentAt: number
  ms: number
  status: string
}

/** All attempts of one caller that were answered, in the order in which they were sent. */
export function timesOf(entries: readonly LedgerEntry[], by: string): Timed[] {
  const sent = new Map<string, number>()
  const times: Timed[] = []
  for (const entry of entries) {
    if (entry.by !== by || (entry.event !== 'sent' && entry.event !== 'outcome')) continue
    const id = `${entry.ref} ${entry.attempt}`
    if (entry.event === 'sent') sent.set(id, entry.at)
    else {
      const sentAt = sent.get(id)
      if (sentAt !== undefined) times.push({ sentAt, ms: entry.at - sentAt, status: entry.status })
    }
  }
  return times.sort((a, b) => a.sentAt - b.sentAt)
}

/** The smallest time that this share of all does not exceed (nearest rank); 0 without any. */
export function percentile(times: readonly Timed[], share: number): number {
  const sorted = times.map(({ ms }) => ms).sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}

/**
 * The lowest of the percentiles of three equal parts of a time: what the machine does beside it disturbs for moments,
 * what is looked for is there all the time. Parts in which nothing was sent do not count.
 */
export function steadyPercentile(times: readonly Timed[], share: number, from: number, to: number): number {
  const parts = Array.from({ length: steadyParts }, (_, part) => {
    const [begin, end] = [part, part + 1].map((at) => from + (at * (to - from)) / steadyParts) as [number, number]
    return times.filter(({ sentAt }) => sentAt >= begin && sentAt < end)
  })
  const percentiles = parts.filter((part) => part.length > 0).map((part) => percentile(part, share))
  return percentiles.length === 0 ? 0 : Math.min(...percentiles)
}

const steadyParts = 3
