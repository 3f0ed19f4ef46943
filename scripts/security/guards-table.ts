import type { Guard } from '../guards/guard.ts'
import type { ClaimsToCheck } from './check-claims.ts'
import { link, plain } from './markdown.ts'

/** The table of lines that `npm run guards` takes out one at a time. */
export function guardsTable(guards: readonly Guard[]): string {
  const rows = guards.map(
    ({ rule, does, file, test, title }) =>
      `| **${rule}** | ${link(file)} ${plain(does)} | ${link(test)}: ${plain(title)} |`,
  )
  return ['| rule | the line that | without it fails |', '|---|---|---|', ...rows].join('\n')
}

/** What can be told of the guards without running them: rules that are not claimed, tests and lines that are not there. */
export function checkGuards(
  guards: readonly Guard[],
  { claims, testsOf }: Pick<ClaimsToCheck, 'claims' | 'testsOf'>,
  read: (file: string) => string,
): string[] {
  return guards.flatMap((guard) => {
    const name = `the guard of ${guard.rule} that ${guard.does}`
    const problems: string[] = []
    if (!claims.some(({ rule }) => rule === guard.rule)) problems.push(`${name}: the rule is not claimed`)
    if (testsOf(guard.test) === undefined) problems.push(`${name}: no test run reaches ${guard.test}`)
    const times = read(guard.file).split(guard.line).length - 1
    if (times !== 1) problems.push(`${name}: ${guard.file} holds the line ${times} times: ${guard.line.trim()}`)
    return problems
  })
}
