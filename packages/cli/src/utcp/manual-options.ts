import { type Command, InvalidArgumentError } from 'commander'
import type { SourceFlags } from './source.ts'

/** The flags of every command that opens `MANUAL`. */
export interface UtcpOptions extends SourceFlags {
  json?: true
}

/** Adds `MANUAL` and the flags of {@link UtcpOptions}. */
export function addManual(command: Command): Command {
  return command
    .argument('<manual>', 'the URL of a manual, or a file: a manual or a configuration')
    .option('--config <file>', 'a configuration for the manual: variables, search, post-processing, other manuals')
    .option('--name <name>', 'what the manual is called (default: as its file or host)')
    .option('--var <name=value>', 'a variable; better in the environment, which no other user sees', collectVariable)
    .option('--json', 'print one JSON value')
}

function collectVariable(text: string, before: [string, string][] | undefined): [string, string][] {
  const equals = text.indexOf('=')
  if (equals < 1 || !/^\w+$/.test(text.slice(0, equals))) {
    throw new InvalidArgumentError('Write NAME=VALUE, the name with a-z, A-Z, 0-9 and "_".')
  }
  return [...(before ?? []), [text.slice(0, equals), text.slice(equals + 1)]]
}
