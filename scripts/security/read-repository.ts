import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { typescriptFiles } from '../test/read-imports.ts'
import type { Spoken } from './check-claims.ts'
import { findMentions } from './find-mentions.ts'
import { type FoundTest, findTests } from './find-tests.ts'
import { reachedFiles, testFiles } from './reached-files.ts'

/** What of the repository the claims are held against. */
export interface Repository {
  /** The tests of a file; undefined when it is not there or no test run reaches it. */
  testsOf(file: string): readonly FoundTest[] | undefined
  /** Where sources, titles of tests and documents speak of rules as kept. */
  spoken: readonly Spoken[]
}

/** Reads tests, sources and documents below the root of the repository. */
export function readRepository(root: string): Repository {
  const reached = reachedFiles(root)
  const known = new Map<string, readonly FoundTest[]>()
  const read = (file: string): string => readFileSync(join(root, file), 'utf8')

  function testsOf(file: string): readonly FoundTest[] | undefined {
    if (!reached.has(file)) return undefined
    const tests = known.get(file) ?? findTests(read(file), file)
    known.set(file, tests)
    return tests
  }

  const spoken: Spoken[] = []
  for (const file of [...sourceFiles(root), ...documents(root)]) {
    for (const { rule, line } of findMentions(read(file))) spoken.push({ rule, place: `${file}:${line}` })
  }
  for (const file of testFiles(root)) {
    for (const { title } of testsOf(file) ?? []) {
      for (const { rule } of findMentions(title)) spoken.push({ rule, place: `${file}, test "${title}"` })
    }
  }
  return { testsOf, spoken }
}

/** The sources of packages and apps, relative to the root. */
function sourceFiles(root: string): string[] {
  return ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(root, parent)).flatMap((name) =>
      typescriptFiles(join(root, parent, name, 'src')).map((file) => `${parent}/${name}/src/${file}`),
    ),
  )
}

/** Documents of what there is. Decisions are left out: they also speak of what is left for later. */
function documents(root: string): string[] {
  const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md') && name !== 'security.md')
  const readmes = ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => `${parent}/${name}/README.md`),
  )
  return ['README.md', 'CONTRIBUTING.md', ...pages.map((name) => `docs/${name}`), ...readmes].filter((file) =>
    existsSync(join(root, file)),
  )
}
