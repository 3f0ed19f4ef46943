import type { ProviderName } from '@atp/core'
import { checkTools, type ToolCheck } from '@atp/core/providers'
import { hintsOfTool, hintsOfToolkit, type LintHint } from './hints.ts'
import type { LintedToolkit } from './linted-toolkit.ts'

/** What lint found out: the document that `--json` prints. */
export interface LintReport {
  summary: LintSummary
  toolkits: ToolkitReport[]
}

/** The findings in numbers, the gravest first. */
export interface LintSummary {
  providers: readonly ProviderName[]
  tools: number
  /** Tools that at least one provider is not told of. */
  refusals: number
  /** Tools of which at least one provider is told less than they say. */
  losses: number
  hints: number
  /** Tools of which at least one provider is told the same in another form. */
  changes: number
}

/** One toolkit's part of the report. */
export interface ToolkitReport {
  name: string
  hints: LintHint[]
  tools: ToolReport[]
}

/** One tool's part of the report. */
export interface ToolReport {
  name: string
  hints: LintHint[]
  /** By provider, in the order asked for. */
  providers: Partial<Record<ProviderName, ToolCheck>>
}

/** Checks each toolkit for itself, as a context would be made of it, for each provider. */
export function lintToolkits(toolkits: readonly LintedToolkit[], providers: readonly ProviderName[]): LintReport {
  const reports = toolkits.map((toolkit): ToolkitReport => {
    const checks = providers.map((provider) => [provider, checkTools(toolkit.tools, provider)] as const)
    return {
      name: toolkit.name,
      hints: hintsOfToolkit(toolkit),
      tools: toolkit.tools.map((tool, index) => ({
        name: tool.name,
        hints: hintsOfTool(tool),
        providers: Object.fromEntries(checks.map(([provider, all]) => [provider, all[index]])),
      })),
    }
  })
  return { summary: summarize(reports, providers), toolkits: reports }
}

function summarize(toolkits: readonly ToolkitReport[], providers: readonly ProviderName[]): LintSummary {
  const tools = toolkits.flatMap((toolkit) => toolkit.tools)
  const count = (test: (check: ToolCheck) => boolean): number =>
    tools.filter((tool) => Object.values(tool.providers).some(test)).length
  return {
    providers,
    tools: tools.length,
    refusals: count(({ refusal }) => refusal !== undefined),
    losses: count(({ changes }) => changes.some(({ loses }) => loses)),
    hints: [...toolkits, ...tools].reduce((sum, { hints }) => sum + hints.length, 0),
    changes: count(({ changes }) => changes.some(({ loses }) => !loses)),
  }
}
