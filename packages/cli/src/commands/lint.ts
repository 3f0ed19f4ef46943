import type { ProviderName } from '@atp/core'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { CliIo } from '../cli-io.ts'
import { ExitError, InterruptedError, UsageError } from '../exit-errors.ts'
import { type FindingLevel, findingLevels, isAsGraveAs } from '../lint/findings.ts'
import { lintToolkits } from '../lint/lint-toolkits.ts'
import type { LintedToolkit } from '../lint/linted-toolkit.ts'
import { printReport } from '../lint/print-report.ts'
import { readToolkits, type ToolkitPlace } from '../lint/read-toolkits.ts'
import { createOutput } from '../output.ts'
import { providerNames } from '../provider-names.ts'
import { addExamples, addRequestOptions, type RequestOptions, readSeconds } from './shared-options.ts'

interface LintOptions extends RequestOptions {
  provider?: ProviderName[]
  failOn: FindingLevel
  all?: true
  /** Seconds. */
  timeout: number
}

/** `atp lint` */
export function defineLint(lint: Command, io: CliIo): void {
  lint
    .argument('[toolkit|file]', 'a toolkit on the server, or a .ts, .js or .json file; without it all on the server')
    .addOption(
      new Option('--provider <provider>', 'one provider format; repeat it for more (default: all)')
        .choices(providerNames)
        .argParser(collectProvider),
    )
    .addOption(
      new Option('--fail-on <level>', 'exit with 1 on findings of this level, and on graver ones')
        .choices(findingLevels)
        .default('refusals'),
    )
    .option('--all', 'also show changes that lose nothing')
    .option('--timeout <seconds>', 'how long loading a file may take', readSeconds, 30)
  addExamples(addRequestOptions(lint), [
    'atp lint src/toolkit.ts                      as a step of CI: needs no server, exits with 1 on refusals',
    'atp lint src/toolkit.ts --fail-on losses --provider anthropic --provider openai',
    'atp lint workspace --json',
  ]).addHelpText('after', fileHelp)
  lint.action((target: string | undefined, options: LintOptions) => runLint(target, options, io))
}

const fileHelp = `
A file is run, in a process of its own and without network, and what it exports is checked: a Toolkit, a ToolKitClient
or a registry. Call start() only where import.meta.main is true. JSON is what "atp tools list --json" prints.
Exit codes: 0 no findings of the level, 1 some, 2 nothing could be checked.`

async function runLint(target: string | undefined, options: LintOptions, io: CliIo): Promise<void> {
  const { provider = providerNames, failOn, timeout } = options
  const toolkits = await read({ ...options, target, timeoutMs: timeout * 1_000 }, io)
  const report = lintToolkits(toolkits, provider)
  if (options.json) createOutput(io).json(report)
  else printReport(report, options.all || failOn === 'changes' ? 'changes' : 'hints', io)
  if (findingLevels.some((level) => isAsGraveAs(level, failOn) && report.summary[level] > 0)) throw new ExitError(1)
}

/** To a step of CI a server that does not answer is another thing than a tool that a provider refuses. */
async function read(place: ToolkitPlace, io: CliIo): Promise<LintedToolkit[]> {
  try {
    return await readToolkits(place, io)
  } catch (error) {
    throw error instanceof UsageError || error instanceof InterruptedError ? error : new ExitError(2, error)
  }
}

function collectProvider(value: string, before: ProviderName[] = []): ProviderName[] {
  const name = providerNames.find((each) => each === value)
  if (name === undefined) throw new InvalidArgumentError(`Allowed choices are ${providerNames.join(', ')}.`)
  return before.includes(name) ? before : [...before, name]
}
