import type { RuleId } from './rules.ts'

/** What this repository keeps of a rule, and the tests that would fail if it did not. */
export interface Claim {
  readonly rule: RuleId
  /** What holds, in one or a few sentences. Nothing in it is more than the tests show. */
  readonly says: string
  /** Where a number or a way differs from what the rule asks, and why. */
  readonly differs?: string
  /** What the rule asks for and nobody has built or tested yet. */
  readonly open?: string
  /** Titles by file, as `find-tests.ts` writes them: suites and test joined by ` > `. */
  readonly tests: Readonly<Record<string, readonly string[]>>
}

/** A rule that nothing keeps yet. */
export interface UnbuiltRule {
  readonly rule: RuleId
  /** The part of the product that brings it. */
  readonly comesWith: string
}
