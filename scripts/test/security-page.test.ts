import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { Guard } from '../guards/guard.ts'
import { unbuiltRules } from '../security/claims/unbuilt.ts'
import { claims } from '../security/claims.ts'
import { checkGuards, guardsTable } from '../security/guards-table.ts'
import { serverLimitsTable, shownLimit } from '../security/limits-table.ts'
import { reachedFiles } from '../security/reached-files.ts'
import { readRepository } from '../security/read-repository.ts'
import { families, familyOf, rules } from '../security/rules.ts'
import { rulesTable } from '../security/rules-table.ts'
import { fillParts, makeSecurityPage } from '../security/security-page.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('docs/security.md', () => {
  const page = makeSecurityPage(root)

  it('claims nothing that no test shows: see scripts/security/claims', () => {
    expect(page.problems).toEqual([])
  })

  it('is up to date: npm run docs:security', () => {
    expect(page.onDisk).toBe(page.expected)
  })

  it('has a row for each rule, kept or not built yet', () => {
    const rows = [...page.expected.matchAll(/^\| \*\*([A-Z]\d+)\*\* (?!\|)/gm)].map((match) => match[1])
    expect(rows.sort()).toEqual(Object.keys(rules).sort())
  })
})

describe('what the page is held against', () => {
  it('has the tests of contracts and of files that only tests import', () => {
    const reached = reachedFiles(root)
    for (const file of [
      'packages/server/test/keys/key-format.test.ts',
      'packages/server/test/store/contract/key-cases.ts',
      'packages/testing/src/routes/behaviours/limits.ts',
    ]) {
      expect(reached).toContain(file)
    }
    expect(reached).not.toContain('scripts/security/main.ts')
  })

  it('has no tests of files that no run reaches', () => {
    const { testsOf } = readRepository(root)
    expect(testsOf('packages/server/test/keys/key-format.test.ts')?.length).toBeGreaterThan(5)
    expect(testsOf('scripts/security/main.ts')).toBeUndefined()
    expect(testsOf('packages/server/test/none.test.ts')).toBeUndefined()
  })

  it('hears where sources speak of rules', () => {
    const { spoken } = readRepository(root)
    expect(spoken).toContainEqual({ rule: 'E7', place: expect.stringMatching(/^packages\/egress\/src\/.*:\d+$/) })
    expect(spoken).toContainEqual({ rule: 'E1', place: expect.stringMatching(/^packages\/egress\/README.md:\d+$/) })
  })

  it('knows a family for every rule', () => {
    expect(Object.keys(rules).filter((rule) => !Object.hasOwn(families, familyOf(rule)))).toEqual([])
  })
})

describe('the table of rules', () => {
  it('shows what is different, what is open, and titles as they are written', () => {
    const table = rulesTable(
      [
        {
          rule: 'K1',
          says: 'Keys are `long`.',
          differs: 'Shorter.',
          open: 'Scopes.',
          tests: { 'packages/a/test/k.test.ts': ['is atp_<kind>_ | *', 'other'] },
        },
      ],
      [{ rule: 'V5', comesWith: 'the broker' }],
    )
    expect(table.split('\n')).toEqual([
      '### API keys',
      '',
      '| rule | what holds | shown by |',
      '|---|---|---|',
      '| **K1** Form of a key: random, with a checksum | Keys are `long`.<br>*Different from the rule:* Shorter.<br>*Not yet:* Scopes. | [a: k.test.ts](../packages/a/test/k.test.ts): is atp\\_&lt;kind&gt;\\_ \\| \\*; other |',
      '',
      '### Not built yet',
      '',
      '| rule | comes with |',
      '|---|---|',
      '| **V5** When tokens are refreshed | the broker |',
    ])
  })

  it('has all claims and all rules that are not built yet', () => {
    const table = rulesTable(claims, unbuiltRules)
    expect([...table.matchAll(/^\| \*\*/gm)]).toHaveLength(claims.length + unbuiltRules.length)
  })
})

describe('the tables of limits', () => {
  const source = `
    export interface Limits {
      /** Calls under way. */
      calls: number
      /**
       * The largest frame,
       * in bytes.
       */
      frameBytes: number
    }
  `

  it('take their words from the docstrings and their numbers from the defaults', () => {
    expect(serverLimitsTable(source, { calls: 1_024, frameBytes: 65_536 }).split('\n').slice(2)).toEqual([
      '| Calls under way | 1,024 | `calls` |',
      '| The largest frame | 64 KiB | `frameBytes` |',
    ])
  })

  it('are not made where a limit has no docstring', () => {
    expect(() => serverLimitsTable(source, { sockets: 1 })).toThrow('"sockets" has no docstring')
  })

  it.each([
    ['maxBytes', 1_048_576, '1 MiB'],
    ['maxBytes', 1_114_112, '1,088 KiB'],
    ['maxBytes', 1_000, '1,000 B'],
    ['stuckMs', 30_000, '30 s'],
    ['stuckMs', 1_500, '1,500 ms'],
    ['maxDepth', 64, '64'],
  ])('show %s %d as %s', (name, value, shown) => {
    expect(shownLimit(name, value)).toBe(shown)
  })
})

describe('the guarded lines', () => {
  const guard: Guard = {
    rule: 'V1',
    does: 'takes another IV each time',
    file: 'a.ts',
    line: 'random()',
    without: '0',
    test: 'packages/a/test/a.test.ts',
    title: 'never seals the same way twice',
  }
  const claimed = { claims: [{ rule: 'V1', says: 'x', tests: {} }], testsOf: () => [] } as const

  it('stand in a table with their tests', () => {
    expect(guardsTable([guard]).split('\n')[2]).toBe(
      '| **V1** | [a.ts](../a.ts) takes another IV each time | [a: a.test.ts](../packages/a/test/a.test.ts): never seals the same way twice |',
    )
  })

  it('are a problem where rule, test or line are not there', () => {
    const name = 'the guard of V1 that takes another IV each time'
    expect(checkGuards([guard], claimed, () => 'iv = random()')).toEqual([])
    expect(checkGuards([guard], { claims: [], testsOf: () => undefined }, () => 'random() random()')).toEqual([
      `${name}: the rule is not claimed`,
      `${name}: no test run reaches packages/a/test/a.test.ts`,
      `${name}: a.ts holds the line 2 times: random()`,
    ])
  })
})

describe('the parts of a page', () => {
  const page = 'Top\n<!-- generated: a -->\nold\n<!-- end: a -->\nBottom\n'

  it('go between their markers, and only there', () => {
    const filled = 'Top\n<!-- generated: a -->\n\nnew $& $1\n\n<!-- end: a -->\nBottom\n'
    expect(fillParts(page, { a: 'new $& $1' })).toBe(filled)
    expect(fillParts(filled, { a: 'new $& $1' })).toBe(filled)
  })

  it('need markers, and markers need parts', () => {
    expect(() => fillParts(page, { a: '', b: '' })).toThrow('<!-- generated: b -->')
    expect(() => fillParts(page, {})).toThrow('nothing to generate for the marker "a"')
  })
})
