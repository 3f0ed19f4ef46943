import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { isAtpError } from '@atp/core'
import { type AtpServer, createPinoLogger, createServer, readEnvironment, runProcess } from '@atp/server'
import { ToolkitSupervisor } from './toolkit-supervisor.ts'

/* `npm start`: a development server and, in a process of its own, a toolkit over the folder it was started in. */

const help = `Usage: npm start -- [--folder DIR] [--port PORT] [--data DIR]

Starts an ATP server with a toolkit of tools over one folder.

  --folder DIR   the folder the tools read (default: where you ran npm)
  --port PORT    where the server listens (default: PORT, else 4870)
  --data DIR     where the server keeps its data (default: ATP_DATA, else .atp)
  --help         this text
`

const print = (text: string): void => void process.stdout.write(`${text}\n`)

/** The toolkit's key outlives restarts, like the server's own. */
async function workspaceKey(server: AtpServer, dataDir: string): Promise<string> {
  const file = join(dataDir, 'workspace-key')
  const known = await readFile(file, 'utf8').then(
    (text) => text.trim(),
    () => '',
  )
  if (known !== '' && (await server.isValidKey(known, 'toolkit'))) return known
  const { key } = await server.createKey({ kind: 'toolkit', name: 'workspace' })
  await writeFile(file, `${key}\n`, { mode: 0o600 })
  return key
}

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new TypeError(`--port must be a number from 0 to 65535, not "${text}"`)
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      folder: { type: 'string' },
      port: { type: 'string' },
      data: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return void process.stdout.write(help)
  const environment = readEnvironment(process.env)
  // npm runs scripts in the repository's root; this is where the user ran it.
  const startedIn = process.env.INIT_CWD ?? process.cwd()
  const folder = resolve(startedIn, values.folder ?? '.')
  const dataDir = resolve(startedIn, values.data ?? environment.data ?? '.atp')
  const logger = createPinoLogger(environment.logLevel ?? 'warn')

  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const server = await createServer({
    dataDir,
    dev: true,
    host: environment.host,
    port: readPort(values.port) ?? environment.port,
    encryptionKeys: environment.encryptionKeys,
    logger,
  })
  const { url } = await server.listen()
  const toolkit = new ToolkitSupervisor({
    apiKey: await workspaceKey(server, dataDir),
    baseUrl: url,
    folder,
    hidden: [dataDir],
    onRestart: (why) => process.stderr.write(`The workspace toolkit ended (${why}); starting it again.\n`),
    onRefused(message) {
      process.stderr.write(
        `error: the server refuses the key of the workspace toolkit: ${message}\n` +
          'Start again: a key that was revoked is replaced by a new one.\n',
      )
      void server.close().finally(() => process.exit(1))
    },
  })
  let stopping = false
  runProcess({
    logger,
    async stop() {
      stopping = true
      // Both at once, each letting running calls end: one after the other could take longer than there is time.
      await Promise.all([toolkit.stop(), server.close()])
    },
  })
  const tools = await toolkit.start().catch((error: unknown) => {
    // Told to end before it was ready: that is no failure.
    if (!stopping) throw error
  })
  if (tools === undefined) return
  print(`ATP server ready on ${url}`)
  print(`\nToolkit "workspace" serves ${tools.join(', ')}\nover ${folder}. Try in a second terminal:\n`)
  // The command line looks for the keys in the same default folder.
  const where = dataDir === resolve(startedIn, '.atp') ? '' : `ATP_DATA=${dataDir} `
  print(`  ${where}npm run -s atp -- call workspace search_text pattern=ATP`)
  print(`  ${where}npm run -s atp -- call workspace hello_world name=Ada`)
  print(`  ${where}npm run -s atp -- context workspace --provider anthropic --json`)
  print('\nCtrl-C ends both.')
}

try {
  await main()
} catch (error) {
  const known = isAtpError(error) || error instanceof TypeError
  process.stderr.write(`error: ${known ? (error as Error).message : (error as Error).stack}\n`)
  process.exit(error instanceof TypeError ? 2 : 1)
}
