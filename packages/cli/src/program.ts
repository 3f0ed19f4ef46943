import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import type { CliIo } from './cli-io.ts'
import { hasColours } from './output.ts'
import { plainLines } from './plain-text.ts'

/** Adds options, arguments, help and the action to a command that so far has a name and a description. */
export type DefineCommand = (command: Command, io: CliIo) => void

/**
 * Builds the `atp` command. Of its commands only the one that `args` name is loaded, so that starting a server does not
 * pay for clients, and a client not for the server.
 */
export async function createProgram(io: CliIo, args: readonly string[]): Promise<Command> {
  const program = new Command('atp')
    .description('Runs an ATP server, makes keys, looks at toolkits, calls tools.')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: (text, write) => write(plainLines(text)),
      getOutHelpWidth: () => io.stdout.columns ?? defaultWidth,
      getErrHelpWidth: () => io.stderr.columns ?? defaultWidth,
      getOutHasColors: () => hasColours(io.stdout, io.env),
      getErrHasColors: () => hasColours(io.stderr, io.env),
    })
    .showHelpAfterError('Add --help to see how it is used.')
    .addHelpText('after', rootHelp)
  const wanted = wantedCommand(args)
  for (const { name, description, load } of commands) {
    const command = program.command(name).description(description)
    if (name === wanted) (await load())(command, io)
  }
  return program
}

interface CommandEntry {
  name: string
  description: string
  load: () => Promise<DefineCommand>
}

const commands: readonly CommandEntry[] = [
  {
    name: 'server',
    description: 'run an ATP server until it is told to end',
    load: async () => (await import('./commands/server.ts')).defineServer,
  },
  {
    name: 'dev',
    description: 'run files of tools against a development server, and load them again when they change',
    load: async () => (await import('./commands/dev.ts')).defineDev,
  },
  {
    name: 'keys',
    description: 'make, list and revoke API keys',
    load: async () => (await import('./commands/keys.ts')).defineKeys,
  },
  {
    name: 'vault',
    description: 'make encryption keys, look at what they encrypt, change them',
    load: async () => (await import('./commands/vault.ts')).defineVault,
  },
  {
    name: 'toolkits',
    description: 'list the toolkits of a server',
    load: async () => (await import('./commands/toolkits.ts')).defineToolkits,
  },
  {
    name: 'tools',
    description: 'list the tools of a toolkit',
    load: async () => (await import('./commands/tools.ts')).defineTools,
  },
  {
    name: 'call',
    description: 'call a tool and print its result',
    load: async () => (await import('./commands/call.ts')).defineCall,
  },
  {
    name: 'context',
    description: "print a toolkit's tools in the form an LLM provider wants",
    load: async () => (await import('./commands/context.ts')).defineContext,
  },
  {
    name: 'lint',
    description: 'tell what LLM providers refuse or change of the tools of a toolkit',
    load: async () => (await import('./commands/lint.ts')).defineLint,
  },
  {
    name: 'chat',
    description: 'talk to a model that calls the tools of toolkits',
    load: async () => (await import('./commands/chat.ts')).defineChat,
  },
  {
    name: 'utcp',
    description: 'look at manuals of UTCP, call their tools, check and migrate them',
    load: async () => (await import('./commands/utcp.ts')).defineUtcp,
  },
  {
    name: 'calls',
    description: 'look at the call log of a server',
    load: async () => (await import('./commands/calls.ts')).defineCalls,
  },
]

const defaultWidth = 100

const rootHelp = `
Examples:
  $ atp server --dev
  $ atp call workspace search_text pattern=ATP
  $ atp help keys

Settings, first found first taken:
  the flags --base-url, --api-key, --data
  the environment: ATP_BASE_URL, ATP_API_KEY, ATP_DATA 
    (a server also reads PORT, ATP_HOST, ATP_LOG_LEVEL, ATP_DATABASE_URL, DATABASE_URL,
    ATP_ENCRYPTION_KEYS, ATP_ENCRYPTION_KEYS_FILE, ATP_TRUSTED_PROXIES)
  dev-keys.json in the data folder, written by "npm start" and "atp server --dev" (default folder: ./.atp)

Exit codes: 0 success, 1 failure, 2 wrong usage, 130 ended by Ctrl-C
With --json stdout holds one JSON value: the result, or {"error", "code"} with exit code 1.`

/** The root command takes no options with values, so the first word is the command's name. */
function wantedCommand(args: readonly string[]): string | undefined {
  const words = args.filter((arg) => !arg.startsWith('-'))
  return words[0] === 'help' ? words[1] : words[0]
}

/** The same file for `src/` and `dist/`. */
function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
