import { describe, expect, it } from 'vitest'
import { type ClaimsToCheck, checkClaims } from '../security/check-claims.ts'
import type { Claim } from '../security/claim.ts'
import type { RuleId } from '../security/rules.ts'

const file = 'packages/a/test/a.test.ts'
const claim: Claim = { rule: 'K1', says: 'Keys are long.', tests: { [file]: ['keys > are long'] } }

/** What is wrong, given a repository in which all is well but for what a test changes. */
function problemsOf(changes: Partial<ClaimsToCheck> = {}): string[] {
  return checkClaims({
    rules: ['K1', 'K2'],
    claims: [claim],
    unbuilt: [{ rule: 'K2', comesWith: 'the broker' }],
    testsOf: (name) =>
      name === file ? [{ title: 'keys > are long' }, { title: 'keys > are old', idle: 'skip' }] : undefined,
    spoken: [{ rule: 'K1', place: 'packages/a/src/a.ts:1' }],
    ...changes,
  })
}

const claimOf = (tests: Claim['tests']): Pick<ClaimsToCheck, 'claims'> => ({ claims: [{ ...claim, tests }] })

describe('claims', () => {
  it('are fine when each rule is claimed with a test that is there, or said not to be built', () => {
    expect(problemsOf()).toEqual([])
  })

  it('fail without a test', () => {
    expect(problemsOf(claimOf({}))).toEqual(['K1: is claimed without a test'])
    expect(problemsOf(claimOf({ [file]: [] }))).toEqual([
      'K1: is claimed without a test',
      `K1: names no test of ${file}`,
    ])
  })

  it('fail when a test is gone or renamed', () => {
    expect(problemsOf({ testsOf: () => [{ title: 'keys > are very long' }] })).toEqual([
      `K1: ${file} has no test of this title: keys > are long`,
    ])
  })

  it('fail when the title is there without its suite', () => {
    expect(problemsOf(claimOf({ [file]: ['are long'] }))).toEqual([`K1: ${file} has no test of this title: are long`])
  })

  it('fail when the file of a test is gone', () => {
    expect(problemsOf({ testsOf: () => undefined })).toEqual([`K1: ${file} is not there, or no test run reaches it`])
  })

  it('fail when a test is skipped', () => {
    expect(problemsOf(claimOf({ [file]: ['keys > are old'] }))).toEqual([
      `K1: a test of ${file} does not run (skip): keys > are old`,
    ])
  })

  it('fail when a test is named twice', () => {
    expect(problemsOf(claimOf({ [file]: ['keys > are long', 'keys > are long'] }))).toEqual([
      `K1: names a test of ${file} twice: keys > are long`,
    ])
  })

  it('fail when they say nothing', () => {
    expect(problemsOf({ claims: [{ ...claim, says: ' ' }] })).toEqual(['K1: does not say what holds'])
    expect(problemsOf({ unbuilt: [{ rule: 'K2', comesWith: '' }] })).toEqual(['K2: does not say what it comes with'])
  })

  it('fail for a rule that is nowhere', () => {
    expect(problemsOf({ unbuilt: [] })).toEqual(['K2: is neither claimed nor among the rules that are not built yet'])
  })

  it('fail for a rule that there is not, and for one that is listed twice', () => {
    expect(problemsOf({ claims: [claim, { ...claim, rule: 'K9' as RuleId }] })).toEqual(['K9: there is no such rule'])
    expect(problemsOf({ claims: [claim, { ...claim, rule: 'K2' }] })).toEqual(['K2: is listed twice'])
  })

  it('fail when a source or a document speaks of a rule that none of them covers', () => {
    const spoken = [
      { rule: 'K2', place: 'packages/a/src/b.ts:7' },
      { rule: 'Q4', place: 'docs/a.md:1' },
    ]
    expect(problemsOf({ spoken })).toEqual([
      'packages/a/src/b.ts:7: speaks of rule K2, which no claim covers',
      'docs/a.md:1: speaks of rule Q4, which there is not',
    ])
  })
})
