import { AtpError, isErrorCode, toWireError, type WireError } from '@atp/core'
import { isJsonObject, parseJson } from '@atp/core/protocol'
import type { GuardedAnswer } from '@atp/egress'
import type { Call } from '../calls/call.ts'
import { isToolkitCode, toolkitError } from './toolkit-error.ts'

/**
 * What became of one attempt. `not_sent`: the endpoint never got it. `lost`: it may have run, and nobody knows. The error
 * of either is what the call ends with unless it is sent again.
 */
export type EndpointAnswer = { kind: 'result'; result: unknown } | EndpointFailure

/** What went wrong with one attempt, for the caller. `cause` is for the log, and holds no text of the endpoint's. */
export interface EndpointFailure {
  kind: 'error' | 'not_sent' | 'lost'
  error: WireError
  cause?: unknown
}

/** What stands around a result, in bytes. */
const envelopeBytes = 65_536

/** As deep and as wide as results may be over sockets. */
const resultShape = { maxDepth: 65, maxKeys: 1_000_000 }

/** The largest answer that is read, in bytes. */
export function maxAnswerBytes(resultBytes: number): number {
  return resultBytes + envelopeBytes
}

/** Reads an answer that is one JSON value. */
export async function readEndpointAnswer(
  call: Call,
  answer: GuardedAnswer,
  resultBytes: number,
): Promise<EndpointAnswer> {
  const text = await readText(call, answer, maxAnswerBytes(resultBytes))
  if (typeof text !== 'string') return text
  const body = parsed(text)
  if (!isSuccess(answer)) return refusalOf(call, answer, body)
  if (isJsonObject(body) && Object.hasOwn(body, 'result')) return toResult(body.result, text.length, resultBytes)
  if (/^application\/([\w.+-]+\+)?json\b/i.test(answer.header('content-type') ?? '')) return unreadable(call)
  return undelivered(call, `answered ${answer.status}, and not as the routes of ATP do; check its URL`, 'no JSON')
}

/** Whether the status says that the call was answered. */
export function isSuccess({ status }: GuardedAnswer): boolean {
  return status >= 200 && status < 300
}

/** A result that has arrived, unless it is too large. @param textLength of the JSON it came in */
export function toResult(result: unknown, textLength: number, resultBytes: number): EndpointAnswer {
  // What it came in is larger: only a text above the cap is worth measuring.
  const isTooLarge = textLength * 3 > resultBytes && Buffer.byteLength(JSON.stringify(result)) > resultBytes
  return isTooLarge ? tooLarge(resultBytes) : { kind: 'result', result }
}

/** The error that an endpoint reports as the outcome, if it is one of ours. */
export function reportedError(body: unknown): WireError | undefined {
  if (!isJsonObject(body) || typeof body.error !== 'string' || !isErrorCode(body.code)) return undefined
  return {
    code: body.code,
    message: body.error.slice(0, 2_000),
    retryable: body.retryable === true,
    ...(isJsonObject(body.details) ? { details: body.details } : {}),
  }
}

/** JSON of an endpoint; undefined for what is none. */
export function parsed(text: string): unknown {
  try {
    return parseJson(text, resultShape)
  } catch {
    return undefined
  }
}

/** The call cannot have run there, and will not when it is sent again. */
export function undelivered(call: Call, what: string, cause?: unknown): EndpointFailure {
  const message = `The endpoint of toolkit "${call.toolkit.appName}" ${what}`
  return { kind: 'error', error: toWireError(new AtpError('delivery_failed', message, { retryable: false })), cause }
}

/** The answer did not come, or not whole. */
export function lost(call: Call, what: string, cause?: unknown): EndpointFailure {
  const { toolkit, tool } = call
  const message = `The endpoint of toolkit "${toolkit.appName}" ${what}; whether "${tool.name}" finished is unknown`
  return { kind: 'lost', error: toWireError(new AtpError('toolkit_disconnected', message)), cause }
}

/** The tool has run, and said something that is no answer. */
export function unreadable(call: Call): EndpointAnswer {
  const message = `The endpoint of toolkit "${call.toolkit.appName}" sent an answer that cannot be read`
  return { kind: 'error', error: toWireError(new AtpError('invalid_result', message)) }
}

/** The answer is larger than a result may be. */
export function tooLarge(resultBytes: number): EndpointAnswer {
  const error = new AtpError('result_too_large', `The result is larger than ${resultBytes} bytes of JSON`)
  return { kind: 'error', error: toWireError(error) }
}

function refusalOf(call: Call, answer: GuardedAnswer, body: unknown): EndpointAnswer {
  const { status } = answer
  const cause = `HTTP status ${status}`
  const reported = reportedError(body)
  const said = reported === undefined ? '' : `: ${reported.message}`
  if (status === 429 || status === 503) return busy(call, answer)
  if (reported !== undefined && isToolkitCode(reported.code)) return { kind: 'error', error: toolkitError(reported) }
  // It has been there before: another copy of this attempt runs, or has run.
  if (reported?.code === 'duplicate_request_id') return lost(call, 'had this call before', cause)
  if (status >= 500) return lost(call, `answered ${status}`, cause)
  if (status === 401 || status === 403) return undelivered(call, `refused the call (${status})${said}`, cause)
  if (status === 404) {
    const place = `no tool "${call.tool.name}" of toolkit "${call.toolkit.appName}" at its URL`
    return undelivered(call, `has ${place} (404); check the URL and what the app has mounted`, cause)
  }
  return undelivered(call, `answered ${status}${said || ', and not as the routes of ATP do; check its URL'}`, cause)
}

function busy(call: Call, answer: GuardedAnswer): EndpointAnswer {
  const seconds = Number(answer.header('retry-after') ?? 'none')
  const details = seconds >= 0 && seconds <= 3_600 ? { retryAfterMs: seconds * 1_000 } : undefined
  const message = `Toolkit "${call.toolkit.appName}" is busy with other calls; send the call again later`
  return { kind: 'error', error: toWireError(new AtpError('busy', message, details === undefined ? {} : { details })) }
}

async function readText(call: Call, answer: GuardedAnswer, maxBytes: number): Promise<string | EndpointAnswer> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for (let chunk = await answer.read(); chunk !== undefined; chunk = await answer.read()) {
      size += chunk.length
      if (size > maxBytes) return tooLarge(maxBytes - envelopeBytes)
      chunks.push(chunk)
    }
  } catch (error) {
    return lost(call, 'broke off its answer', error)
  } finally {
    // Of one that is too large, lets go of the rest and of its connection.
    answer.discard()
  }
  return Buffer.concat(chunks).toString('utf8')
}
