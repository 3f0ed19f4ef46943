import { join } from 'node:path'
import type { DevKeys, LogLevel, MetricsAccess, StorePlace } from '@atp/server'
import { type Command, Option } from 'commander'
import type { CliIo } from '../cli-io.ts'
import { createOutput, type Output } from '../output.ts'
import { findDatabaseUrl, readDataFolder } from '../settings.ts'
import { addExamples, databaseHelp, readPort } from './shared-options.ts'

interface ServerOptions {
  dev?: true
  host?: string
  port?: number
  data?: string
  databaseUrl?: string
  devAllowRemote?: true
  trustedProxy?: string[]
  legacy: boolean
  metrics?: MetricsAccess
  logLevel?: LogLevel
  json?: true
}

const metricsAccess: readonly MetricsAccess[] = ['open', 'admin', 'off']
const logLevels: readonly LogLevel[] = ['silent', 'error', 'warn', 'info', 'debug']

/** `atp server` */
export function defineServer(server: Command, io: CliIo): void {
  server
    .option('--dev', 'make keys for development and write them to dev-keys.json in the data folder')
    .option('--host <host>', 'where to listen (ATP_HOST; default: 127.0.0.1)')
    .option('--port <port>', '0 takes a free one (PORT; default: 4870)', readPort)
    .option('--data <folder>', 'where the data is kept (ATP_DATA; default: ./.atp)')
    .option('--database-url <url>', databaseHelp)
    .option('--dev-allow-remote', 'allow --dev on a host that other machines reach')
    .option(
      '--trusted-proxy <address>',
      'a proxy, or a network of them, whose X-Forwarded-For is believed; more than once for more of them ' +
        '(ATP_TRUSTED_PROXIES, divided by commas)',
      (proxy: string, before: string[] = []) => [...before, proxy],
    )
    .option('--no-legacy', 'do not serve the Python SDK, which puts keys into addresses and bodies')
    .addOption(
      new Option('--log-level <level>', 'what is logged (ATP_LOG_LEVEL; default: warn with --dev, else info)').choices(
        logLevels,
      ),
    )
    .addOption(
      new Option(
        '--metrics <access>',
        'who may read /metrics: everybody, admin keys, nobody (default: open where only this machine reaches it, else admin)',
      ).choices(metricsAccess),
    )
    .option('--json', 'print {"url"} when ready')
  addExamples(server, [
    'atp server --dev',
    'ATP_ENCRYPTION_KEYS_FILE=/etc/atp/keys atp server --port 8080 --data /var/lib/atp',
    'ATP_DATABASE_URL=postgres://atp:…@db.example/atp atp server',
  ]).action((options: ServerOptions) => runServer(options, io))
}

/** Settles only by failing: a server that runs ends together with the process. */
async function runServer(options: ServerOptions, io: CliIo): Promise<never> {
  const output = createOutput(io)
  const { createPinoLogger, createServer, devKeysFile, readEnvironment, runProcess } = await import('@atp/server')
  const environment = readEnvironment(io.env)
  const { dev = false, devAllowRemote = false } = options
  const { folder } = readDataFolder(options.data, io)
  const databaseUrl = await findDatabaseUrl(options, io)
  const logger = createPinoLogger(options.logLevel ?? environment.logLevel ?? (dev ? 'warn' : 'info'))
  const server = await createServer({
    dataDir: folder,
    databaseUrl,
    host: options.host ?? environment.host,
    port: options.port ?? environment.port,
    dev,
    devAllowRemote,
    trustedProxies: options.trustedProxy ?? environment.trustedProxies,
    legacy: options.legacy,
    metrics: options.metrics,
    encryptionKeys: environment.encryptionKeys,
    logger,
  })
  runProcess({ stop: () => server.close(), logger })
  const { url } = await server.listen()
  if (options.json) output.json({ url })
  else output.line(`ATP server ready on ${url}`)
  if (server.devKeys) {
    showDevKeys(server.devKeys, join(folder, devKeysFile), io.stdout.isTTY === true && !options.json, output)
  }
  if (!dev) {
    await hintAtFirstKey({ dataDir: folder, databaseUrl }, output).catch((error: unknown) => {
      logger.warn('keys.not_checked', { error: String(error) })
    })
  }
  const reason = await server.ended
  if (reason) throw reason
  // Told to end: the process goes when all is in order.
  return new Promise<never>(() => {})
}

/** Keys go to a terminal only, never into a file that stdout was sent to. */
function showDevKeys(keys: DevKeys, path: string, toTerminal: boolean, output: Output): void {
  if (!toTerminal) {
    output.note(`Keys for development are in ${path}`)
    return
  }
  output.line(`\nKeys for development, also in ${path}:`)
  output.line(`  admin    ${keys.adminKey}`)
  output.line(`  llm      ${keys.llmKey}`)
  output.line(`  toolkit  ${keys.toolkitKey}\n`)
}

/** Without an admin key nobody can do anything with a server, and only where its data is can the first one be made. */
async function hintAtFirstKey(place: StorePlace, output: Output): Promise<void> {
  const { withKeys } = await import('../local-keys.ts')
  const known = await withKeys(place, (keys, projectId) => keys.list(projectId))
  if (known.some((key) => key.kind === 'admin' && key.revokedAt === null)) return
  // Never the URL itself: it may hold a password, and this may end up in a log.
  const where = place.databaseUrl === undefined ? `--data "${place.dataDir}"` : '--database-url URL'
  output.note(`There is no admin key yet. Make one with: atp keys create --kind admin ${where}`)
}
