import { AtpError, isAtpError } from '@atp/core'

/** The rules a refusal may name in `details.rule`; the README says what each one asks. */
export type EgressRule = 'E2' | 'E3' | 'E5' | 'E6' | 'O10'

/** The target was not connected to, or not any further, because a rule forbids it. */
export function egressRefused(rule: EgressRule, target: string, reason: string, cause?: unknown): AtpError {
  const details = { rule, target: clip(target) }
  return new AtpError('egress_refused', `Refused to reach ${clip(target)}: ${reason}`, { details, cause })
}

/** The target took longer than a limit of rule E6. */
export function upstreamTimeout(target: string, what: string, limitMs: number): AtpError {
  const details = { rule: 'E6' satisfies EgressRule, target: clip(target) }
  return new AtpError('upstream_timeout', `${clip(target)} ${what} within ${limitMs} ms`, { details })
}

/** The target's answer is larger than rule E6 allows, or packed so that this cannot be told. */
export function upstreamTooLarge(target: string, what: string): AtpError {
  const details = { rule: 'E6' satisfies EgressRule, target: clip(target) }
  return new AtpError('upstream_failed', `${clip(target)} ${what}`, { details, retryable: false })
}

/** The target could not be reached or failed midway. What the system says of it stays in the cause. */
export function upstreamFailed(target: string, what: string, cause: unknown, retryable = true): AtpError {
  if (isAtpError(cause)) return cause
  const code = errorCode(cause)
  const text = `${clip(target)} ${what}${code === undefined ? '' : ` (${code})`}`
  return new AtpError('upstream_failed', text, { details: { target: clip(target) }, cause, retryable })
}

/** The stable part of a system error: `ECONNREFUSED`, `CERT_HAS_EXPIRED`. Messages would name addresses. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' && /^[A-Z0-9_]{2,64}$/.test(error.code) ? error.code : undefined
}

function clip(target: string): string {
  return target.length <= 200 ? target : `${target.slice(0, 199)}…`
}
