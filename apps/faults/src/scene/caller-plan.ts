/** What a caller calls, and how. */
export interface CallKind {
  tool: 'work' | 'work_again' | 'fail'
  /** `keyed`: under an idempotency key, and again until there is an answer. `detached`: the same, and not waited for. */
  how: 'live' | 'keyed' | 'detached'
  /** @default the caller's own */
  toolkitId?: string
  /** Characters of an argument that nobody reads. @default 0 */
  ballast?: number
}

/** How a caller runs. */
export interface CallerPlan {
  name: string
  /** The folder of the ledgers. */
  ledgers: string
  baseUrl: string
  apiKey: string
  toolkitId: string
  /** `raw` speaks protocol 2 by itself and sees every frame, also a second answer to one call. */
  protocol: 'ws' | 'http' | 'raw'
  /** In turn. */
  kinds: CallKind[]
  /** Keeps so many under way; or sends so many a second, however many are under way. */
  pace: { concurrency: number } | { perSecond: number }
  /** The longest that a tool is asked to take, in milliseconds. */
  workMs: number
  timeoutMs: number
}

/** How a caller is getting on. */
export interface CallerProgress {
  sent: number
  underWay: number
  succeeded: number
}
