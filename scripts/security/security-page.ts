import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultLimits } from '../../packages/server/src/limits.ts'
import { guards } from '../guards/guards.ts'
import { checkClaims } from './check-claims.ts'
import { unbuiltRules } from './claims/unbuilt.ts'
import { claims } from './claims.ts'
import { checkGuards, guardsTable } from './guards-table.ts'
import { otherLimitsTable, serverLimitsTable } from './limits-table.ts'
import { readRepository } from './read-repository.ts'
import { rules } from './rules.ts'
import { rulesTable } from './rules-table.ts'

/** Where the page is, relative to the root. */
export const pagePath = 'docs/security.md'

/** The page as it should be, and what is wrong with its claims. */
export interface SecurityPage {
  onDisk: string
  /** What is on the disk, with its generated parts made anew. */
  expected: string
  problems: string[]
}

/** Reads the repository and makes the page. */
export function makeSecurityPage(root: string): SecurityPage {
  const read = (file: string): string => readFileSync(join(root, file), 'utf8')
  const repository = readRepository(root)
  const parts = {
    'server-limits': serverLimitsTable(read('packages/server/src/limits.ts'), defaultLimits),
    'other-limits': otherLimitsTable(),
    rules: rulesTable(claims, unbuiltRules),
    guards: guardsTable(guards),
  }
  const problems = [
    ...checkClaims({ rules: Object.keys(rules), claims, unbuilt: unbuiltRules, ...repository }),
    ...checkGuards(guards, { claims, testsOf: repository.testsOf }, read),
  ]
  const onDisk = read(pagePath)
  return { onDisk, expected: fillParts(onDisk, parts), problems }
}

/**
 * Puts each part between its two markers, `<!-- generated: NAME -->` and `<!-- end: NAME -->`.
 * @throws Error when a marker is missing or there is one of no part
 */
export function fillParts(page: string, parts: Readonly<Record<string, string>>): string {
  for (const [, name = ''] of page.matchAll(/<!-- generated: (\S+) -->/g)) {
    if (!Object.hasOwn(parts, name)) throw new Error(`There is nothing to generate for the marker "${name}"`)
  }
  let filled = page
  for (const [name, part] of Object.entries(parts)) {
    const [begin, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`]
    const [before, after] = [filled.indexOf(begin), filled.indexOf(end)]
    if (before < 0 || after < before) throw new Error(`The page has no markers "${begin}" and "${end}" in this order`)
    filled = `${filled.slice(0, before + begin.length)}\n\n${part}\n\n${filled.slice(after)}`
  }
  return filled
}
