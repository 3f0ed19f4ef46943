import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import type { Fault, FaultContext } from './fault.ts'

/** What the command line says. */
export interface FaultOptions {
  faults: Fault[]
  size: FaultContext['size']
  /** How often everything is run. */
  times: number
  databaseUrl: string
  /** Where the results go as JSON. */
  json: string | undefined
  /** Whether the table is written into the documentation. */
  write: boolean
  /** Runs the changed servers that the rules must find instead of the faults. */
  mutants: boolean
}

/** Why nothing is to be run, and what the process ends with: 0 after `--help`, 2 after a mistake. */
export interface UsageExit {
  exitCode: 0 | 2
}

/** Where help and mistakes are written. */
export interface OptionOutput {
  out(text: string): void
  err(text: string): void
}

/** The same address as in compose.yaml. */
const defaultDatabaseUrl = 'postgres://postgres@127.0.0.1:5432/postgres'

/** Reads the arguments; help and mistakes are written to `output` and end with a {@link UsageExit}. */
export function readOptions(
  args: readonly string[],
  faults: readonly Fault[],
  output: OptionOutput,
): FaultOptions | UsageExit {
  const command = new Command('test:faults')
    .description(
      'Breaks servers, toolkits, callers and networks, and judges by their ledgers what became of each call.',
    )
    .addOption(new Option('--quick', 'about four minutes (default)').conflicts(['full', 'smoke']))
    .addOption(new Option('--full', 'as often and as long as is promised, about 25 minutes').conflicts(['smoke']))
    .addOption(new Option('--smoke', 'as little as shows that it works, about a minute'))
    .option('--only <names>', 'these faults only, separated by commas', (names: string) => chosen(names, faults))
    .option('--times <number>', 'run everything so often', positiveInteger, 1)
    .option('--database-url <url>', 'a PostgreSQL database; schemas of our own are made in it', defaultDatabaseUrl)
    .option('--json <file>', 'also write the results to a file')
    .option('--write', 'write the table into docs/reliability.md', false)
    .option('--mutants', 'instead, run changed servers and see that each is found', false)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => output.out(text), writeErr: (text) => output.err(text) })
    .addHelpText('after', helpEnd(faults))
  try {
    command.parse([...args], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return { exitCode: error.exitCode === 0 ? 0 : 2 }
    throw error
  }
  const { only, full, smoke, times, databaseUrl, json, write, mutants } = command.opts<{
    only?: Fault[]
    full?: boolean
    smoke?: boolean
    times: number
    databaseUrl: string
    json?: string
    write: boolean
    mutants: boolean
  }>()
  const size = full ? 'full' : smoke ? 'smoke' : 'quick'
  return { faults: only ?? [...faults], size, times, databaseUrl, json, write, mutants }
}

function helpEnd(faults: readonly Fault[]): string {
  const width = Math.max(...faults.map(({ name }) => name.length))
  const lines = faults.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`)
  const examples = [
    '  npm run test:faults',
    '  npm run test:faults -- --full --times 3 --write',
    '  npm run test:faults -- --only toolkit-killed,answer-cut --json faults.json',
    '  npm run test:faults -- --mutants',
  ]
  const environment = '  ATP_FAULTS_KEEP=1 keeps the ledgers of every fault and says where they are'
  const exits = '  0 every rule was kept, 1 a rule was broken or a fault could not run, 2 wrong use'
  const parts = ['', 'Faults:', ...lines, '', 'Examples:', ...examples, '', 'Environment:', environment]
  return [...parts, '', 'Exit codes:', exits].join('\n')
}

function chosen(names: string, faults: readonly Fault[]): Fault[] {
  const wanted = names.split(',').map((name) => name.trim())
  const unknown = wanted.find((name) => !faults.some((fault) => fault.name === name))
  if (unknown !== undefined) {
    const known = faults.map(({ name }) => name).join(', ')
    throw new InvalidArgumentError(`There is no fault "${unknown}"; use ${known}.`)
  }
  return faults.filter(({ name }) => wanted.includes(name))
}

function positiveInteger(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 100) {
    throw new InvalidArgumentError('It must be a whole number from 1 to 100.')
  }
  return value
}
