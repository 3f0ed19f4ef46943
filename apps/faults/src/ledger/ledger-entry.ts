import * as z from 'zod'

/*
 * What the processes of a fault write down while it happens, each into a file of its own. `ref` names one piece of work:
 * one call of a tool, or several attempts at it under one idempotency key. Times are milliseconds of one clock, that of
 * the machine; the server's own clock, which a fault may set, is in none of them.
 */

/** How a caller was told that an attempt ended; what the words stand for is in `to-status.ts`. */
export type Status =
  | 'succeeded'
  | 'failed'
  | 'timed_out'
  | 'cancelled'
  | 'not_run'
  | 'outcome_unknown'
  | 'lost_connection'
  | 'in_progress'

/** What a fault makes possible: an outcome that nothing else explains, or that a caller never hears of one. */
export type Excuse = Status | 'no_answer'

/** A caller is about to send. */
export interface SentEntry {
  event: 'sent'
  ref: string
  attempt: number
  tool: string
  idempotent: boolean
  /** Whether all attempts with this ref are one call. */
  key: boolean
}

/** The server told a caller that it has stored the call. */
export interface AcceptedEntry {
  event: 'accepted'
  ref: string
  attempt: number
  callId: string
}

/** A caller was told how an attempt ended. */
export interface OutcomeEntry {
  event: 'outcome'
  ref: string
  attempt: number
  status: Status
  code?: string | undefined
  /** The run whose result it got. */
  run?: string | undefined
}

/** A tool began to run. */
export interface StartedEntry {
  event: 'started'
  ref: string
  callId: string
  run: string
}

/** A run ended: with a result, or with the error that it was asked for. */
export interface FinishedEntry {
  event: 'finished'
  ref: string
  callId: string
  run: string
  ok: boolean
}

/** A row of the server's call log. */
export interface LoggedEntry {
  event: 'logged'
  callId: string
  status: string
  code: string | null
}

/** What the server says of an accepted call when everything is over; no status: it does not know how it ended. */
export interface StoredEntry {
  event: 'stored'
  callId: string
  status?: Status | undefined
  run?: string | undefined
}

/** The harness broke something. Calls that were under way while it was broken may end in one of `excuses`. */
export interface FaultEntry {
  event: 'fault'
  what: string
  /** When it was whole again. */
  until: number
  excuses: Excuse[]
  /** Only the calls of one caller are excused. @default all */
  who?: string | undefined
  /** From when on recovery is measured. @default not measured */
  recoverFrom?: number | undefined
}

/** An entry as its writer gives it. */
export type NewEntry =
  | SentEntry
  | AcceptedEntry
  | OutcomeEntry
  | StartedEntry
  | FinishedEntry
  | LoggedEntry
  | StoredEntry
  | FaultEntry

/** Who wrote an entry, and when. */
export interface Written {
  at: number
  by: string
}

/** One line of a ledger. */
export type LedgerEntry = NewEntry & Written

const written = { at: z.number(), by: z.string() }
const text = z.string()
const status = z.enum([
  'succeeded',
  'failed',
  'timed_out',
  'cancelled',
  'not_run',
  'outcome_unknown',
  'lost_connection',
  'in_progress',
])
const attempt = { ref: text, attempt: z.int() }
const running = { ref: text, callId: text, run: text }

const ledgerEntry: z.ZodType<LedgerEntry> = z.discriminatedUnion('event', [
  z.object({
    ...written,
    ...attempt,
    event: z.literal('sent'),
    tool: text,
    idempotent: z.boolean(),
    key: z.boolean(),
  }),
  z.object({ ...written, ...attempt, event: z.literal('accepted'), callId: text }),
  z.object({
    ...written,
    ...attempt,
    event: z.literal('outcome'),
    status,
    code: text.optional(),
    run: text.optional(),
  }),
  z.object({ ...written, ...running, event: z.literal('started') }),
  z.object({ ...written, ...running, event: z.literal('finished'), ok: z.boolean() }),
  z.object({ ...written, event: z.literal('logged'), callId: text, status: text, code: text.nullable() }),
  z.object({
    ...written,
    event: z.literal('stored'),
    callId: text,
    status: status.optional(),
    run: text.optional(),
  }),
  z.object({
    ...written,
    event: z.literal('fault'),
    what: text,
    until: z.number(),
    excuses: z.array(z.union([status, z.literal('no_answer')])),
    who: text.optional(),
    recoverFrom: z.number().optional(),
  }),
])

/** Reads one line. @throws ZodError or SyntaxError when it is none */
export function parseEntry(line: string): LedgerEntry {
  return ledgerEntry.parse(JSON.parse(line))
}
