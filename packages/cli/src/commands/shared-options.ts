import { type Command, InvalidArgumentError } from 'commander'
import type { ConnectionFlags } from '../settings.ts'

/** The options of every command that asks a server and prints what it says. */
export interface RequestOptions extends ConnectionFlags {
  json?: true
}

/** Adds the flags of {@link RequestOptions}. */
export function addRequestOptions(command: Command): Command {
  return addConnectionOptions(command.option('--json', 'print one JSON value'))
}

/** Adds the flags of `ConnectionFlags`. */
export function addConnectionOptions(command: Command): Command {
  return command
    .option('--base-url <url>', 'where the server is (ATP_BASE_URL)')
    .option('--api-key <key>', 'better in the environment, which no other user sees (ATP_API_KEY)')
    .option('--data <folder>', 'the data folder whose dev-keys.json is used (ATP_DATA)')
}

/** Adds examples below the help of a command. */
export function addExamples(command: Command, examples: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`)
}

/** Reads the value of a `--timeout`, in seconds. */
export function readSeconds(text: string): number {
  const seconds = Number(text)
  if (text.trim() !== '' && seconds >= 0.001 && seconds <= 600) return seconds
  throw new InvalidArgumentError('Give seconds, more than 0 and at most 600.')
}

/** Reads the value of a `--port`. */
export function readPort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('Give a whole number from 0 to 65535.')
}

/** What `--database-url` is, for every command that has it. */
export const databaseHelp =
  'keep the data in PostgreSQL instead; better in the environment, which no other user sees (ATP_DATABASE_URL, DATABASE_URL)'
