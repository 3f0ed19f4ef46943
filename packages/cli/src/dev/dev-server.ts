import { AtpError, isAtpError } from '@atp/core'
import { createAdminClient } from '../admin-client.ts'
import type { CliIo } from '../cli-io.ts'
import { UsageError } from '../exit-errors.ts'
import { type ConnectionFlags, findConnection, readConnection, readDataFolder } from '../settings.ts'
import { createGivenKey, createToolkitKeys, type ToolkitKeys } from './toolkit-keys.ts'

/** The server that toolkits connect to. */
export interface DevServer {
  url: string
  /** Whether this command started it. */
  own: boolean
  keys: ToolkitKeys
  /** Stops it if it was started here. */
  close(): Promise<void>
}

/** Which server is wanted. */
export interface ServerFlags extends ConnectionFlags {
  port?: number
  /** Whether one may be started. */
  server: boolean
}

/** How long calls of others may take when the server of this command ends. */
const graceMs = 1_000

/**
 * Finds the server by the usual settings; where none answers, and none was named, starts a development server in this
 * process, on the data folder.
 * @throws UsageError, AtpError what the server refused with, `connection_failed`, `port_in_use`, `data_folder_in_use`
 */
export async function openDevServer(flags: ServerFlags, io: CliIo): Promise<DevServer> {
  const apiKey = flags.apiKey || io.env.ATP_API_KEY
  if (apiKey) {
    if (!apiKey.startsWith('atp_toolkit_')) throw new UsageError(noToolkitKey)
    const { baseUrl } = await readConnection(flags, io, 'admin')
    return { url: baseUrl, own: false, keys: createGivenKey(apiKey), close: async () => {} }
  }
  return (await findRunning(flags, io)) ?? (await startOwn(flags, io))
}

const noToolkitKey =
  'The key in --api-key or ATP_API_KEY is not that of a toolkit (atp_toolkit_…). Leave it out for a development ' +
  'server, or make one with: atp keys create --kind toolkit --name NAME'

/** The server whose keys are in the data folder; undefined when one may be started instead. */
async function findRunning(flags: ServerFlags, io: CliIo): Promise<DevServer | undefined> {
  const { folder } = readDataFolder(flags.data, io)
  const mayStart = flags.server && !flags.baseUrl && !io.env.ATP_BASE_URL
  const connection = mayStart ? await findConnection(flags, io, 'admin') : await readConnection(flags, io, 'admin')
  if (connection === undefined) return undefined
  const url = connection.baseUrl
  const admin = createAdminClient(connection)
  try {
    // Any question that needs the key does.
    await admin.toolkits()
  } catch (error) {
    const code = isAtpError(error) ? error.code : undefined
    if (mayStart && code === 'connection_failed') return undefined
    if (code !== 'unauthorized') throw error
    // Another server has the port; with a port of one's own there is room for both.
    if (mayStart && flags.port !== undefined) return undefined
    throw new AtpError(
      'unauthorized',
      `The server at ${url} does not take the keys in ${folder}, so it is not the one that made them. Choose a port ` +
        'of your own with --port, or name the data folder of that server with --data',
      { cause: error },
    )
  }
  const keys = createToolkitKeys(folder, async (name) => (await admin.keys.create({ kind: 'toolkit', name })).key)
  return { url, own: false, keys, close: async () => {} }
}

async function startOwn(flags: ServerFlags, io: CliIo): Promise<DevServer> {
  const { createPinoLogger, createServer, readEnvironment } = await import('@atp/server')
  const environment = readEnvironment(io.env)
  const { folder } = readDataFolder(flags.data, io)
  const logger = createPinoLogger(environment.logLevel ?? 'warn')
  const server = await createServer({
    dataDir: folder,
    dev: true,
    port: flags.port ?? environment.port,
    encryptionKeys: environment.encryptionKeys,
    logger,
  })
  const { url } = await server.listen()
  const keys = createToolkitKeys(folder, async (name) => (await server.createKey({ kind: 'toolkit', name })).key)
  return { url, own: true, keys, close: () => server.close(graceMs) }
}
