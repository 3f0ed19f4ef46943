import { UtcpError } from '@atp/utcp'

/** The rules that are checked here and not by `@atp/egress`; its README says what each one asks. */
export type RefusedRule = 'E2' | 'E3' | 'E5' | 'O10'

/** A rule forbids the target: nothing was sent there. */
export function refused(rule: RefusedRule, url: string, reason: string): UtcpError {
  const target = originOf(url)
  const message = `Refused to reach ${target}: ${reason}`
  return new UtcpError('egress_refused', message, { details: { rule, target } })
}

/** What may be said of a URL in messages: paths and queries may hold keys. */
export function originOf(url: string): string {
  const parsed = URL.parse(url)
  if (parsed === null || parsed.host === '') return 'the target'
  const text = `${parsed.protocol}//${parsed.host}`
  return text.length <= 200 ? text : `${text.slice(0, 199)}…`
}
