import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LLMClient, type Logger, silentLogger } from '@atp/core'
import { type AtpServer, createServer, type DevKeys } from '@atp/server'
import type { ObservedCall, ObservedOutcome } from '../../src/dev/call-observer.ts'
import type { DevEvent } from '../../src/dev/dev-events.ts'
import { DevSession } from '../../src/dev/dev-session.ts'
import { createToolkitKeys } from '../../src/dev/toolkit-keys.ts'

/** A module in a temporary folder finds no packages by their names. */
export const core: string = JSON.stringify(
  fileURLToPath(new URL('../../node_modules/@atp/core/src/index.ts', import.meta.url)),
)

/** A module whose toolkit `kit` has the given tools: their names, and handlers as text. */
export function kitModule(tools: Record<string, string>, more = '', toolkit = 'kit'): string {
  const registrations = Object.entries(tools).map(
    ([name, handler]) =>
      `kit.registerTool({ name: '${name}', description: 'Does ${name}', params: { type: 'object' } }, ${handler})`,
  )
  return [
    `import { ToolError, ToolKitClient, Toolkit } from ${core}`,
    more,
    `export const kit = new Toolkit({ appName: '${toolkit}' })`,
    ...registrations,
  ].join('\n')
}

/** Anything the session tells. */
export type Told =
  | DevEvent
  | { type: 'started'; call: ObservedCall }
  | { type: 'progressed'; call: ObservedCall; value: unknown }
  | { type: 'ended'; call: ObservedCall; outcome: ObservedOutcome; durationMs: number }

/** A development server, a folder of files, and a session that serves them. */
export interface Running {
  server: AtpServer
  url: string
  keys: DevKeys
  llm: LLMClient
  folder: string
  session: DevSession
  told: Told[]
  /** Events that the server logged. */
  logged: string[]
  /** The next event of that type which nobody waited for yet. */
  next<T extends Told['type']>(type: T): Promise<Told & { type: T }>
  path(name: string): string
  /** Writes a file as an editor does that writes in place. */
  write(name: string, text: string): void
  /** Puts a new file in the place of the old one, as other editors do. */
  replace(name: string, text: string): void
  call(tool: string, params?: Record<string, unknown>, toolkitId?: string): Promise<unknown>
  /** How often a toolkit connected. */
  connections(): number
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts all of it. The first files are what the session is given. */
export async function startSession(
  files: Record<string, string>,
  { entries = Object.keys(files).slice(0, 1), env = {} as Record<string, string>, envFile = '' } = {},
): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'atp-dev-'))
  const logged: string[] = []
  const logger: Logger = { ...silentLogger, info: (event) => void logged.push(event) }
  const server = await createServer({ dataDir: join(folder, '.atp'), port: 0, dev: true, logger })
  const { url } = await server.listen()
  const keys = server.devKeys
  if (!keys) throw new Error('a development server has keys')
  const told: Told[] = []
  const seen = new Set<Told>()
  const waiting = new Set<() => void>()
  const tell = (event: Told): void => {
    told.push(event)
    for (const look of [...waiting]) look()
  }
  const path = (name: string): string => join(folder, name)
  const write = (name: string, text: string): void => writeFileSync(path(name), text)
  for (const [name, text] of Object.entries(files)) write(name, text)
  const session = new DevSession({
    files: entries.map(path),
    url,
    keys: createToolkitKeys(
      join(folder, '.atp'),
      async (name) => (await server.createKey({ kind: 'toolkit', name })).key,
    ),
    cwd: folder,
    readEnv: () => ({ PATH: process.env.PATH, ...env }),
    envFile: envFile === '' ? undefined : path(envFile),
    loadTimeoutMs: 15_000,
    view: {
      show: tell,
      started: (call) => tell({ type: 'started', call }),
      progressed: (call, value) => tell({ type: 'progressed', call, value }),
      ended: (call, outcome, durationMs) => tell({ type: 'ended', call, outcome, durationMs }),
    },
  })
  session.reload()
  const llm = new LLMClient({ apiKey: keys.llmKey, baseUrl: url })
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopping ??= session.stop()
    return stopping
  }

  return {
    ...{ server, url, keys, llm, folder, session, told, logged, path, write, stop },
    next<T extends Told['type']>(type: T) {
      return new Promise<Told & { type: T }>((resolve) => {
        const look = (): void => {
          const found = told.find((event): event is Told & { type: T } => event.type === type && !seen.has(event))
          if (found === undefined) return
          seen.add(found)
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      })
    },
    replace(name, text) {
      write(`${name}.new`, text)
      renameSync(path(`${name}.new`), path(name))
    },
    call: (tool, params = {}, toolkitId = 'kit') => llm.call({ toolkitId, tool, params }),
    connections: () => logged.filter((event) => event === 'toolkit.connected').length,
    async [Symbol.asyncDispose]() {
      await llm.close()
      await stop()
      await server.close(0)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
