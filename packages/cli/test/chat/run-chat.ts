import { Readable } from 'node:stream'
import { runCli } from '../../src/run-cli.ts'
import type { ChatDemo } from './chat-demo.ts'
import type { EndpointProvider, Json, ProviderEndpoint } from './provider-endpoint/index.ts'

export interface ChatRun {
  code: number
  stdout: string
  stderr: string
  /** What stdout holds with `--json`. */
  events: Json[]
}

export interface RunningChat {
  finished: Promise<ChatRun>
  /** Presses Ctrl-C. */
  interrupt(): void
  /** What is on stdout so far. */
  stdout(): string
  stderr(): string
}

export interface ChatSettings {
  env?: Record<string, string | undefined>
  stdin?: string
  /** @default ['shelf'] */
  toolkits?: string[]
}

/** Runs `atp chat` in this process, without a terminal, with the endpoint's model and the demo's tools. */
export function startChat(
  provider: EndpointProvider,
  demo: ChatDemo,
  endpoint: Pick<ProviderEndpoint, 'env'>,
  args: readonly string[],
  { env = {}, stdin = '', toolkits = ['shelf'] }: ChatSettings = {},
): RunningChat {
  const written = { stdout: '', stderr: '' }
  const listeners = new Set<() => void>()
  const named = toolkits.flatMap((name) => ['--toolkit', name])
  const finished = runCli(['chat', '--provider', provider, '--model', 'test-model', ...named, ...args], {
    stdin: Readable.from(stdin === '' ? [] : [stdin]),
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    env: { ATP_DATA: demo.folder, ...endpoint.env, ...env },
    cwd: demo.folder,
    onInterrupt(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }).then((code) => ({ code, ...written, events: args.includes('--json') ? readEvents(written.stdout) : [] }))
  return {
    finished,
    interrupt: () => {
      for (const listener of listeners) listener()
    },
    stdout: () => written.stdout,
    stderr: () => written.stderr,
  }
}

/** Runs it to its end. */
export function runChat(...args: Parameters<typeof startChat>): Promise<ChatRun> {
  return startChat(...args).finished
}

function readEvents(stdout: string): Json[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Json)
}
