import { join, resolve } from 'node:path'
import { AtpError, defaultBaseUrl } from '@atp/core'
import { devKeysFile, readDevKeys } from '@atp/server/dev-keys'
import type { CliIo } from './cli-io.ts'

/** The flags that say where a server is and who asks. */
export interface ConnectionFlags {
  baseUrl?: string
  apiKey?: string
  data?: string
}

/** Where to send a request, and with which key. */
export interface ConnectionSettings {
  baseUrl: string
  apiKey: string
}

/** What settings are read from. */
export type Place = Pick<CliIo, 'env' | 'cwd'>

/**
 * The folder that relative paths start from: where the user ran `npm`, if an npm script runs this, as npm changes to
 * the folder of the package; else the current one.
 */
export function baseFolder({ env, cwd }: Place): string {
  return resolve(cwd, env.INIT_CWD || '.')
}

/** Where a server keeps its data when nothing else is said: `.atp` where the user is. */
export function defaultDataDir(env: Place['env'], cwd: string): string {
  return join(baseFolder({ env, cwd }), '.atp')
}

/** The data folder, and whether the user named it: flag, then `ATP_DATA`, then the default. */
export function readDataFolder(flag: string | undefined, place: Place): { folder: string; named: boolean } {
  const said = flag || place.env.ATP_DATA
  if (said) return { folder: resolve(baseFolder(place), said), named: true }
  return { folder: defaultDataDir(place.env, place.cwd), named: false }
}

/**
 * The database to use instead of a data folder: `--database-url`, then `ATP_DATABASE_URL`, then `DATABASE_URL` unless
 * `--data` says where the data is. An empty flag means the folder, whatever the environment says.
 */
export async function findDatabaseUrl(
  flags: { data?: string; databaseUrl?: string },
  { env }: Pick<Place, 'env'>,
): Promise<string | undefined> {
  if (flags.databaseUrl !== undefined) return flags.databaseUrl || undefined
  return (await import('@atp/server')).readDatabaseUrl(env, !flags.data)
}

/**
 * Each setting from the first place that has it: flag, environment, `dev-keys.json`. Undefined when none has a key.
 *
 * A `dev-keys.json` that merely lies in the current folder may be anybody's, for example part of a project just
 * downloaded: unless the user named the folder, no key goes to another machine because of it, and none out of it does.
 * @throws AtpError `invalid_config`
 */
export async function findConnection(
  flags: ConnectionFlags,
  place: Place,
  kind: 'admin' | 'llm',
): Promise<ConnectionSettings | undefined> {
  const { env } = place
  const { folder, named } = readDataFolder(flags.data, place)
  const givenKey = flags.apiKey || env.ATP_API_KEY
  const givenUrl = flags.baseUrl || env.ATP_BASE_URL
  if (givenKey && givenUrl) return { baseUrl: givenUrl, apiKey: checkKey(givenKey) }
  const found = await readDevKeys(folder)
  const devKeys = found && (named || isLoopback(found.baseUrl)) ? found : undefined
  const baseUrl = givenUrl || devKeys?.baseUrl || defaultBaseUrl
  if (givenKey) return { baseUrl, apiKey: checkKey(givenKey) }
  if (devKeys === undefined || !(named || isLoopback(baseUrl))) return undefined
  return { baseUrl, apiKey: kind === 'admin' ? devKeys.adminKey : devKeys.llmKey }
}

/**
 * As {@link findConnection}.
 * @throws AtpError `invalid_config` that names all ways to give a key when there is none
 */
export async function readConnection(
  flags: ConnectionFlags,
  place: Place,
  kind: 'admin' | 'llm',
): Promise<ConnectionSettings> {
  const connection = await findConnection(flags, place, kind)
  if (connection) return connection
  const { folder } = readDataFolder(flags.data, place)
  throw new AtpError(
    'invalid_config',
    `No ${kind} key: none in --api-key or ATP_API_KEY, and none to use in ${join(folder, devKeysFile)}. Start a ` +
      'development server with "npm start" or "atp server --dev", give a key, or name the data folder of such a ' +
      'server with --data or ATP_DATA',
  )
}

/** Before the key gets near anything that would quote it in an error. */
function checkKey(key: string): string {
  if (!/[^\x21-\x7e]/.test(key)) return key
  throw new AtpError(
    'invalid_config',
    'The API key (--api-key or ATP_API_KEY) holds spaces or line breaks; copy it again',
  )
}

function isLoopback(baseUrl: string): boolean {
  const host = URL.parse(baseUrl)?.hostname
  return host !== undefined && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(host)
}
