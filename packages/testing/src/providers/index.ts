export { corpus } from './corpus/index.ts'
export type { CorpusTool } from './corpus-tool.ts'
export { providerViolations, type RuledProvider } from './rules/provider-violations.ts'
export type { RuleName, Violation } from './rules/violation.ts'
