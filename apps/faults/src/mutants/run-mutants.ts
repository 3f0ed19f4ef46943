import type { Fault, FaultContext } from '../fault.ts'
import { runFaults } from '../run-faults.ts'
import { copyServer } from './copy-server.ts'
import type { Mutant } from './mutants.ts'

/** What became of a mutant. */
export interface MutantResult {
  name: string
  mistake: string
  rule: string
  fault: string
  /** Whether its rule was broken; else `found` says what was seen instead. */
  caught: boolean
  found: string
}

/** Runs each mutant under its fault, and sees whether the oracle finds it by the rule that is meant for it. */
export async function runMutants(
  mutants: readonly Mutant[],
  faults: readonly Fault[],
  context: FaultContext,
): Promise<MutantResult[]> {
  const results: MutantResult[] = []
  for (const mutant of mutants) {
    const { name, mistake, rule } = mutant
    const progress = (line: string): void => context.progress(`${name}: ${line}`)
    const found = await runMutant(mutant, faults, { ...context, progress })
    const caught = found.rules.has(rule)
    results.push({ name, mistake, rule, fault: mutant.fault, caught, found: found.text })
    progress(caught ? `found by "${rule}"` : `NOT found by "${rule}": ${found.text}`)
  }
  return results
}

async function runMutant(
  { fault: faultName, changes }: Mutant,
  faults: readonly Fault[],
  context: FaultContext,
): Promise<{ rules: ReadonlySet<string>; text: string }> {
  const fault = faults.find(({ name }) => name === faultName)
  if (fault === undefined) return { rules: new Set(), text: `there is no fault "${faultName}"` }
  try {
    using copy = copyServer(changes)
    const [result] = await runFaults([fault], { ...context, serverEntry: copy.entry })
    if (result === undefined || !('report' in result)) return { rules: new Set(), text: JSON.stringify(result) }
    const { violations } = result.report
    return { rules: new Set(violations.map(({ rule }) => rule)), text: violations[0]?.text ?? 'nothing' }
  } catch (error) {
    return { rules: new Set(), text: String(error) }
  }
}

/** The results as a Markdown table. */
export function formatMutants(results: readonly MutantResult[]): string {
  const rows = results.map(({ name, mistake, rule, fault, caught }) => {
    return `| \`${name}\` | ${mistake} | ${rule} | ${fault} | ${caught ? 'found' : 'NOT FOUND'} |`
  })
  return `${['| mutant | the server | rule | under | |', '|---|---|---|---|---|', ...rows].join('\n')}\n`
}
