import { existsSync, readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { type Command, InvalidArgumentError } from 'commander'
import { createInterrupts } from '../chat/interrupts.ts'
import type { CliIo } from '../cli-io.ts'
import type { DevView } from '../dev/dev-events.ts'
import { openDevServer, type ServerFlags } from '../dev/dev-server.ts'
import { DevSession } from '../dev/dev-session.ts'
import { withIdleTimer } from '../dev/idle-timer.ts'
import { createJsonView } from '../dev/json-view.ts'
import { hasKeyboard, readKeys } from '../dev/read-keys.ts'
import { createTerminalView } from '../dev/terminal-view.ts'
import { UsageError } from '../exit-errors.ts'
import { baseFolder } from '../settings.ts'
import { addConnectionOptions, addExamples, readPort, readSeconds } from './shared-options.ts'

interface DevOptions extends ServerFlags {
  /** Names, or false for everything. */
  redact?: string[] | false
  quiet?: true
  json?: true
  envFile?: string
  /** Seconds. */
  idleTimeout?: number
  /** Seconds. */
  timeout: number
}

/** `atp dev` */
export function defineDev(dev: Command, io: CliIo): void {
  dev
    .argument('<file...>', '.ts, .js, .mts or .mjs files that export toolkits')
    .option('--no-server', 'do not start a server where none answers')
    .option('--port <port>', 'where a started server listens, 0 for any free port (PORT; default: 4870)', readPort)
    .option('--quiet', 'show no calls, and nothing that tools print')
    .option('--redact <name,…>', 'also hide members of these names; * hides all arguments and results', collectNames)
    .option('--no-redact', 'show all arguments and results as they are')
    .option('--env-file <file>', 'variables for the tools, read again on each change')
    .option('--idle-timeout <seconds>', 'end when no call came for so long', readIdleSeconds)
    .option('--timeout <seconds>', 'how long loading the files may take', readSeconds, 30)
    .option('--json', 'print one JSON value for each event, on a line of its own')
  addExamples(addConnectionOptions(dev), [
    'atp dev src/tools.ts                  and in another terminal: atp call my-toolkit my_tool name=value',
    'atp dev src/tools.ts src/more.ts --port 0 --redact email,phone',
    'ATP_API_KEY=atp_toolkit_… atp dev src/tools.ts --base-url https://atp.example',
  ]).addHelpText('after', devHelp)
  dev.action((files: string[], options: DevOptions) => runDev(files, options, io))
}

const devHelp = `
The files export a Toolkit, a ToolKitClient or a registry, as for "atp lint"; a start() in them does nothing. When one of
them or of what they import is saved, all are loaded anew in a fresh process, on the same connection: calls under way end
with the old code, at most 30 s later. A file that cannot be loaded leaves everything as it was.
Keys on a terminal: r loads again, q or Ctrl-C ends, Ctrl-C once more ends at once.`

async function runDev(files: string[], options: DevOptions, io: CliIo): Promise<void> {
  const folder = baseFolder(io)
  const paths = files.map((file) => checkFile(resolve(folder, file)))
  const envFile = options.envFile === undefined ? undefined : resolve(folder, options.envFile)
  const keyboard = !options.json && hasKeyboard(io)
  const view = createView(options, folder, keyboard, io)
  const interrupts = createInterrupts(io)
  const leaving = new AbortController()
  const stay = io.onQuit?.(() => leaving.abort())
  let session: DevSession | undefined
  let release: (() => void) | undefined
  try {
    await interrupts.run(async (signal) => {
      const server = await openDevServer(options, io)
      const timer = options.idleTimeout === undefined ? undefined : withIdleTimer(view, options.idleTimeout * 1_000)
      try {
        view.show({ type: 'server', url: server.url, own: server.own })
        session = new DevSession({
          ...{ files: [...new Set(paths)], url: server.url, keys: server.keys, cwd: folder, envFile },
          view: timer?.view ?? view,
          readEnv: () => readEnv(envFile, server.url, io),
          loadTimeoutMs: options.timeout * 1_000,
        })
        session.reload()
        const quit = Promise.withResolvers<void>()
        void timer?.idle.then(() => quit.resolve())
        signal.addEventListener('abort', () => quit.resolve())
        leaving.signal.addEventListener('abort', () => quit.resolve())
        if (keyboard) release = readKeys(io, (key) => onKey(key, session, quit.resolve, interrupts.press))
        if (!signal.aborted && !leaving.signal.aborted) await Promise.race([quit.promise, session.failed])
      } finally {
        timer?.stop()
        await session?.stop()
        await server.close()
      }
    })
  } finally {
    session?.kill()
    release?.()
    interrupts.release()
    stay?.()
  }
}

function onKey(key: string, session: DevSession | undefined, quit: () => void, interrupt: () => void): void {
  if (key === 'r') session?.reload()
  else if (key === 'q') quit()
  else if (key === '\u0003') interrupt()
}

function createView(options: DevOptions, folder: string, keyboard: boolean, io: CliIo): DevView {
  const names = options.redact || []
  const shown = { masking: { names, off: options.redact === false }, quiet: options.quiet === true }
  if (options.json) return createJsonView(io, shown)
  return createTerminalView(io, { ...shown, folder, keysHint: keyboard ? ' Press r to reload, q to quit.' : '' })
}

function checkFile(path: string): string {
  if (!existsSync(path) || !statSync(path).isFile()) throw new UsageError(`There is no file ${path}`)
  if (/\.[cm]?[jt]s$/i.test(path)) return path
  const hint = /\.[jt]sx$/i.test(path) ? ': JSX has to be compiled first' : ''
  throw new UsageError(`${path} is no file that Node runs as it is${hint}: .ts, .mts, .cts, .js, .mjs or .cjs`)
}

/**
 * What the tools see as their environment. A client in the files wants a key and an address, which nothing is done with:
 * it does not connect.
 */
function readEnv(envFile: string | undefined, url: string, io: CliIo): Record<string, string | undefined> {
  const held = { ATP_API_KEY: 'atp_toolkit_held_by_atp_dev', ATP_BASE_URL: url }
  if (envFile === undefined) return { ...held, ...io.env }
  let text: string
  try {
    text = readFileSync(envFile, 'utf8')
  } catch (error) {
    throw new Error(`Cannot read ${envFile}: ${(error as Error).message}`)
  }
  return { ...held, ...parseEnv(text), ...io.env }
}

function readIdleSeconds(text: string): number {
  const seconds = Number(text)
  if (text.trim() !== '' && seconds > 0 && seconds <= maxIdleSeconds) return seconds
  throw new InvalidArgumentError(`Give seconds, more than 0 and at most ${maxIdleSeconds}.`)
}

/** A week: timers take no more than 24 days. */
const maxIdleSeconds = 604_800

function collectNames(value: string, before: string[] | false | undefined): string[] {
  const names = value.split(',').map((name) => name.trim())
  return [...(before || []), ...names.filter((name) => name !== '')]
}
