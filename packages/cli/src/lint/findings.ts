import type { ProviderName } from '@atp/core'
import type { ToolCheck } from '@atp/core/providers'
import type { LintHint } from './hints.ts'
import type { LintSummary, ToolReport } from './lint-toolkits.ts'

/** How grave a finding is, the gravest first. */
export const findingLevels = ['refusals', 'losses', 'hints', 'changes'] as const

/** One of {@link findingLevels}, and the number of that name in the summary. */
export type FindingLevel = (typeof findingLevels)[number] & keyof LintSummary

/** A line of the report for people: one thing, at all its places, for all providers it is the same for. */
export interface Finding {
  level: FindingLevel
  /** Empty for hints, which do not depend on the provider. */
  providers: ProviderName[]
  text: string
}

/** Whether a level counts where `least` is asked for. */
export function isAsGraveAs(level: FindingLevel, least: FindingLevel): boolean {
  return findingLevels.indexOf(level) <= findingLevels.indexOf(least)
}

/** The findings of a tool, the gravest first. */
export function findingsOfTool({ hints, providers }: ToolReport): Finding[] {
  const findings = new Map<string, Finding>()
  for (const [provider, check] of Object.entries(providers) as [ProviderName, ToolCheck][]) {
    for (const [level, text] of readCheck(check, provider)) {
      const known = findings.get(`${level} ${text}`)
      if (known === undefined) findings.set(`${level} ${text}`, { level, providers: [provider], text })
      else known.providers.push(provider)
    }
  }
  const all = [...findings.values(), ...hints.map(toFinding)]
  return all.toSorted((a, b) => findingLevels.indexOf(a.level) - findingLevels.indexOf(b.level))
}

/** A hint as a finding. */
export function toFinding({ code, message }: LintHint): Finding {
  return { level: 'hints', providers: [], text: `${message} (${code})` }
}

/** How many places of one change are named. */
const maxNamedPlaces = 3

function readCheck({ changes, refusal }: ToolCheck, provider: ProviderName): [FindingLevel, string][] {
  const found: [FindingLevel, string][] = []
  if (refusal) found.push(['refusals', `left out: ${unnamed(refusal.message, provider)} (${refusal.code})`])
  const groups = Map.groupBy(changes, ({ code, what, why }) => JSON.stringify([code, what, why]))
  for (const [first, ...others] of groups.values()) {
    if (first === undefined) continue
    const { code, what, why, loses } = first
    const places = [first, ...others].map(({ path }) => path || 'the root')
    const named = places.slice(0, maxNamedPlaces).join(', ')
    const more = places.length > maxNamedPlaces ? ` and ${places.length - maxNamedPlaces} more` : ''
    const at = first.path === '' && others.length === 0 ? '' : ` at ${named}${more}`
    found.push([loses ? 'losses' : 'changes', `${what}${at}, because ${unnamed(why, provider)} (${code})`])
  }
  return found
}

/** What only differs in the name of the provider is one finding. */
function unnamed(text: string, provider: ProviderName): string {
  return text.startsWith(`${provider} `) ? `the provider${text.slice(provider.length)}` : text
}
