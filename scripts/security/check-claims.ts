import type { Claim, UnbuiltRule } from './claim.ts'
import type { FoundTest } from './find-tests.ts'

/** A place where the repository says that it keeps a rule. */
export interface Spoken {
  rule: string
  /** `packages/x/src/y.ts:12`. */
  place: string
}

/** What {@link checkClaims} judges. */
export interface ClaimsToCheck {
  /** The ids of all rules. */
  rules: readonly string[]
  claims: readonly Claim[]
  unbuilt: readonly UnbuiltRule[]
  /** The tests of a file; undefined when it is not there or no test run reaches it. */
  testsOf(file: string): readonly FoundTest[] | undefined
  /** Where sources, test titles and documents speak of rules as kept. */
  spoken: readonly Spoken[]
}

/** What is wrong with the claims, one sentence each; empty when each of them is backed by tests that are there. */
export function checkClaims({ rules, claims, unbuilt, testsOf, spoken }: ClaimsToCheck): string[] {
  const problems: string[] = []
  const listed = new Set<string>()
  for (const { rule } of [...claims, ...unbuilt]) {
    if (!rules.includes(rule)) problems.push(`${rule}: there is no such rule`)
    if (listed.has(rule)) problems.push(`${rule}: is listed twice`)
    listed.add(rule)
  }
  for (const rule of rules) {
    if (!listed.has(rule)) problems.push(`${rule}: is neither claimed nor among the rules that are not built yet`)
  }
  for (const claim of claims) problems.push(...checkClaim(claim, testsOf))
  for (const { rule, comesWith } of unbuilt) {
    if (comesWith.trim() === '') problems.push(`${rule}: does not say what it comes with`)
  }
  const claimed = new Set<string>(claims.map(({ rule }) => rule))
  for (const { rule, place } of spoken) {
    if (!rules.includes(rule)) problems.push(`${place}: speaks of rule ${rule}, which there is not`)
    else if (!claimed.has(rule)) problems.push(`${place}: speaks of rule ${rule}, which no claim covers`)
  }
  return problems
}

function checkClaim({ rule, says, tests }: Claim, testsOf: ClaimsToCheck['testsOf']): string[] {
  const problems: string[] = []
  if (says.trim() === '') problems.push(`${rule}: does not say what holds`)
  if (Object.values(tests).flat().length === 0) problems.push(`${rule}: is claimed without a test`)
  for (const [file, titles] of Object.entries(tests)) {
    const found = testsOf(file)
    if (found === undefined) {
      problems.push(`${rule}: ${file} is not there, or no test run reaches it`)
      continue
    }
    if (titles.length === 0) problems.push(`${rule}: names no test of ${file}`)
    for (const [index, title] of titles.entries()) {
      const known = found.filter((test) => test.title === title)
      if (titles.indexOf(title) !== index) problems.push(`${rule}: names a test of ${file} twice: ${title}`)
      else if (known.length === 0) problems.push(`${rule}: ${file} has no test of this title: ${title}`)
      else if (known.every(({ idle }) => idle !== undefined)) {
        problems.push(`${rule}: a test of ${file} does not run (${known[0]?.idle}): ${title}`)
      }
    }
  }
  return problems
}
