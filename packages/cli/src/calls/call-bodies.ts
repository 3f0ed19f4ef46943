import * as z from 'zod'

/** An ended call. */
export interface WireCall {
  id: string
  toolkit: string
  tool: string
  /** How it reached its toolkit. */
  delivery: string
  status: string
  error_code: string | null
  /** Milliseconds since 1970. */
  started_at: number
  duration_ms: number
}

/** Body of `GET /calls`, newest first. */
export interface CallList {
  calls: WireCall[]
  /** `before` of the next page; null when there are no older calls. */
  next_before: string | null
}

/** Body of `GET /calls/tail`, in the order the calls ended. */
export interface CallTail {
  calls: WireCall[]
  /** Of the next request. */
  cursor: string
  /** Whether calls ended that are in no answer. */
  gap: boolean
}

/** A call that was delivered too often without an answer. */
export interface WireDeadCall {
  id: string
  toolkit: string
  tool: string
  /** How often a toolkit was given it. */
  deliveries: number
  /** Milliseconds since 1970. */
  created_at: number
  /** The call that was made of it. */
  retried_as: string | null
}

/** Body of `GET /calls/dead`, newest first. */
export interface DeadCallList {
  calls: WireDeadCall[]
  /** `before` of the next page; null when there are no older ones. */
  next_before: string | null
}

/** Body of `POST /calls/dead/:id/retry`. */
export interface RetriedCall {
  call_id: string
}

const text = z.string()
const number = z.number()

/** Reads a {@link WireCall}; what else a server tells of it stays. */
export const wireCall: z.ZodType<WireCall> = z.looseObject({
  id: text,
  toolkit: text,
  tool: text,
  delivery: text,
  status: text,
  error_code: text.nullable(),
  started_at: number,
  duration_ms: number,
})

/** Reads a {@link CallList}. */
export const callList: z.ZodType<CallList> = z.looseObject({ calls: z.array(wireCall), next_before: text.nullable() })

/** Reads a {@link CallTail}. */
export const callTail: z.ZodType<CallTail> = z.looseObject({ calls: z.array(wireCall), cursor: text, gap: z.boolean() })

/** Reads a {@link DeadCallList}. */
export const deadCallList: z.ZodType<DeadCallList> = z.looseObject({
  calls: z.array(
    z.looseObject({
      id: text,
      toolkit: text,
      tool: text,
      deliveries: number,
      created_at: number,
      retried_as: text.nullable(),
    }),
  ),
  next_before: text.nullable(),
})

/** Reads a {@link RetriedCall}. */
export const retriedCall: z.ZodType<RetriedCall> = z.looseObject({ call_id: text })
