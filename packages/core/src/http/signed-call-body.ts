import * as z from 'zod'
import { AtpError } from '../errors/atp-error.ts'
import { isJsonObject, jsonLimits, parseJson } from '../protocol/json.ts'
import { firstIssues } from '../protocol/tool-descriptor.ts'

/** The media type of a call that a server signed. Body parsers of apps leave it unread, and a signature needs the bytes. */
export const signedCallType = 'application/vnd.atp.call+json'

/** The largest body of a signed call, in bytes: arguments as large as any, and what stands around them. */
export const maxSignedCallBytes: number = 1_048_576 + 65_536

/** What a server posts to the route of a tool. */
export interface SignedCallBody {
  callId: string
  /** The toolkit's name. */
  toolkit: string
  tool: string
  /** How long the call may still take, in milliseconds. */
  deadlineMs: number
  params: Record<string, unknown>
  authToken?: string | undefined
  /** Whether the answer is to be a stream of events. */
  stream?: boolean | undefined
  /** Trace context. */
  meta?: Record<string, unknown> | undefined
}

/** Writes the body of a signed call. */
export function encodeSignedCall(call: SignedCallBody): string {
  return JSON.stringify({
    call_id: call.callId,
    toolkit: call.toolkit,
    tool: call.tool,
    deadline_ms: call.deadlineMs,
    params: call.params,
    auth_token: call.authToken,
    stream: call.stream,
    _meta: call.meta,
  })
}

const record = z.custom<Record<string, unknown>>(isJsonObject, 'must be an object')

const schema = z
  .object({
    call_id: z.string().min(1).max(128),
    toolkit: z.string().min(1).max(128),
    tool: z.string().min(1).max(128),
    deadline_ms: z.number().nonnegative(),
    params: record,
    auth_token: z.string().max(65_536).nullish(),
    stream: z.boolean().nullish(),
    _meta: record.nullish(),
  })
  .transform(
    (body): SignedCallBody => ({
      callId: body.call_id,
      toolkit: body.toolkit,
      tool: body.tool,
      deadlineMs: body.deadline_ms,
      params: body.params,
      authToken: body.auth_token ?? undefined,
      stream: body.stream ?? undefined,
      meta: body._meta ?? undefined,
    }),
  )

/** The arguments lie one level deeper than where they are the whole body, beside a few members more. */
const limits = { maxDepth: jsonLimits.maxDepth + 1, maxKeys: jsonLimits.maxKeys + 100 }

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads the body of a signed call.
 * @throws AtpError `invalid_json` or `invalid_request`
 */
export function decodeSignedCall(bytes: Uint8Array): SignedCallBody {
  const parsed = schema.safeParse(parseJson(decodeText(bytes), limits))
  if (parsed.success) return parsed.data
  throw new AtpError('invalid_request', `The body of the signed call cannot be read: ${firstIssues(parsed.error)}`)
}

function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new AtpError('invalid_json', 'The body of the signed call is not valid UTF-8', { cause })
  }
}
