import type { Claim, UnbuiltRule } from './claim.ts'
import { cell, link, plain } from './markdown.ts'
import { families, familyOf, rules } from './rules.ts'

/** The tables of `docs/security.md`: one for each family of rules, then the rules that are not built yet. */
export function rulesTable(claims: readonly Claim[], unbuilt: readonly UnbuiltRule[]): string {
  const byRule = new Map(claims.map((claim) => [claim.rule, claim]))
  const kept = Object.entries(families).flatMap(([letter, name]) => {
    const rows = Object.entries(rules).flatMap(([rule, about]) => {
      const claim = familyOf(rule) === letter ? byRule.get(rule as Claim['rule']) : undefined
      return claim === undefined ? [] : [row(rule, about, claim)]
    })
    if (rows.length === 0) return []
    return [`### ${name}\n\n| rule | what holds | shown by |\n|---|---|---|\n${rows.join('\n')}`]
  })
  return [...kept, '### Not built yet', unbuiltTable(unbuilt)].join('\n\n')
}

function row(rule: string, about: string, { says, differs, open, tests }: Claim): string {
  const notes = [
    ...(differs === undefined ? [] : [`*Different from the rule:* ${differs}`]),
    ...(open === undefined ? [] : [`*Not yet:* ${open}`]),
  ]
  const shown = Object.entries(tests).map(([file, titles]) => `${link(file)}: ${titles.map(plain).join('; ')}`)
  return `| **${rule}** ${about} | ${[cell(says), ...notes.map(cell)].join('<br>')} | ${shown.join('<br>')} |`
}

function unbuiltTable(unbuilt: readonly UnbuiltRule[]): string {
  const waiting = new Map(unbuilt.map(({ rule, comesWith }) => [rule as string, comesWith]))
  const rows = Object.keys(families).flatMap((letter) =>
    Object.entries(rules).flatMap(([rule, about]) => {
      const comesWith = familyOf(rule) === letter ? waiting.get(rule) : undefined
      return comesWith === undefined ? [] : [`| **${rule}** ${about} | ${cell(comesWith)} |`]
    }),
  )
  return `| rule | comes with |\n|---|---|\n${rows.join('\n')}`
}
