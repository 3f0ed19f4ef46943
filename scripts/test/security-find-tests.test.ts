import { describe, expect, it } from 'vitest'
import { findMentions } from '../security/find-mentions.ts'
import { findTests } from '../security/find-tests.ts'

const titlesOf = (text: string): string[] => findTests(text, 'x.test.ts').map(({ title }) => title)

describe('findTests', () => {
  it('finds tests with the titles of their suites, however they are declared', () => {
    const text = `
      import { describe, expect, it, test } from 'vitest'
      it('alone', () => {})
      describe('outer', () => {
        test("a 'quoted' one", async () => {})
        describe.concurrent('inner', { timeout: 5 }, () => {
          it('deep', { timeout: 5 }, async ({ expect }) => {})
        })
        it('after', named)
      })
    `
    expect(titlesOf(text)).toEqual(['alone', "outer > a 'quoted' one", 'outer > inner > deep', 'outer > after'])
  })

  it('finds tables with their titles as they are written', () => {
    const text = `
      it.each([1, 2])('counts %i', () => {})
      it.for(cases)('$name of $value', () => {})
      describe.each([['a']])('suite %s', () => { test.each\`a | b\`('row $a', () => {}) })
      it.each(Object.keys({ 'it(': 1 }).map((each) => [each]))('maps %s', () => {})
    `
    expect(titlesOf(text)).toEqual(['counts %i', '$name of $value', 'suite %s > row $a', 'maps %s'])
  })

  it('finds tests in suites of other names, in functions and in loops', () => {
    const text = `
      export function describeThings(name: string): void {
        describe(\`\${name} things\`, () => {
          for (const each of cases) it(\`takes \${each.name}\`, () => {})
          it(title, () => {})
        })
      }
      describePostgres('with PostgreSQL', () => { it('too', () => {}) })
      describeThings('no suite')
    `
    const written = (name: string): string => `\${${name}}`
    expect(titlesOf(text)).toEqual([
      `${written('name')} things > takes ${written('each.name')}`,
      `${written('name')} things > ${written('title')}`,
      'with PostgreSQL > too',
    ])
  })

  it('tells what does not run', () => {
    const text = `
      it.skip('a', () => {})
      it.todo('b')
      it('c')
      it.fails('d', () => {})
      describe.skip('e', () => { it('f', () => {}) })
      it.skipIf(windows)('g', () => {})
    `
    expect(findTests(text, 'x.test.ts')).toEqual([
      { title: 'a', idle: 'skip' },
      { title: 'b', idle: 'todo' },
      { title: 'c', idle: 'no body' },
      { title: 'd', idle: 'fails' },
      { title: 'e > f', idle: 'skip' },
      { title: 'g' },
    ])
  })

  it('finds behaviours that a contract runs', () => {
    const text = `
      export const behaviours = [
        { id: 'limit.one', says: 'refuses one more', rules: [], async run(host) {} },
        { says: 'has no id', ...{ timeoutMs: 5 }, run: async (scene) => {} },
        { id: 'no.run', says: 'is only described' },
      ]
    `
    expect(titlesOf(text)).toEqual(['limit.one: refuses one more', 'has no id'])
  })

  it.each([
    "// it('in a comment', () => {})",
    "const text = `it('in a text', () => {})`",
    "runner.it('of something else', () => {})",
    "onTestFinished(() => close('x'))",
  ])('finds none in %s', (text) => {
    expect(titlesOf(text)).toEqual([])
  })
})

describe('findMentions', () => {
  it('finds a rule, lists of rules over the border of a comment, and rows of tables', () => {
    const text = ['/** Ends it (rules S1,', ' * S3 and X2). */', '// Rule T7: out', '', '| E1 | one way out |'].join(
      '\n',
    )
    expect(findMentions(text)).toEqual([
      { rule: 'S1', line: 1 },
      { rule: 'S3', line: 1 },
      { rule: 'X2', line: 1 },
      { rule: 'T7', line: 3 },
      { rule: 'E1', line: 5 },
    ])
  })

  it.each(['a bucket of S3', "details: { rule: 'E3' }", 'C1 control characters', 'the rule of thumb', 'rule of K1'])(
    'finds none in %j',
    (text) => {
      expect(findMentions(text)).toEqual([])
    },
  )
})
