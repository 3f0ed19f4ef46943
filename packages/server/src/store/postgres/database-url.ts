import { AtpError } from '@atp/core'
import { Client, type ClientConfig } from 'pg'

/** What a database URL says, in the form that the driver takes. */
export interface DatabaseAddress {
  /** Shows no password when it is printed. */
  readonly config: ClientConfig
  /** The schema that holds the tables. */
  readonly schema: string
  /** How many connections carry queries at most. */
  readonly poolSize: number
  /** For people and logs: without password and parameters. */
  readonly shown: string
}

/**
 * Reads `postgres://user:password@host:port/database?schema=atp&pool_size=10` and whatever else the driver takes, such
 * as `sslmode`. What is left out comes from the driver's own defaults.
 * @throws AtpError `invalid_config`; no message repeats a part of the URL that could be the password
 */
export function parseDatabaseUrl(url: string): DatabaseAddress {
  if (!isDatabaseUrl(url)) throw refused('begin it with postgres:// or postgresql://')
  // Unencoded, these end a URL early, and a part of the password would pass for something that may be shown.
  if (/[#\s]/.test(url)) throw refused('write "#" as %23 and spaces as %20')
  const [base = '', query = ''] = splitOnce(url, '?')
  const parameters = new URLSearchParams(query)
  const schema = readSchema(take(parameters, 'schema'))
  const poolSize = readPoolSize(take(parameters, 'pool_size'))
  const rest = parameters.size === 0 ? base : `${base}?${parameters}`
  const { user, host, port, database, ssl, password, options } = driverSettings(rest)
  if (!database || /[@/]/.test(database)) {
    throw refused('name one database; in user and password write "/" as %2F and "?" as %3F')
  }
  return {
    config: {
      user,
      host,
      port,
      database,
      ssl,
      // As a function, because the driver keeps it out of sight only in its own objects.
      ...(password ? { password: () => password } : {}),
      ...(options ? { options } : {}),
    },
    schema,
    poolSize,
    shown: `postgres://${user}@${host}:${port}/${database}`,
  }
}

/** Whether a text is the URL of a database that a store can be opened on. */
export function isDatabaseUrl(text: string): boolean {
  return /^postgres(ql)?:\/\//i.test(text)
}

const defaultSchema = 'atp'
const defaultPoolSize = 10

interface DriverSettings extends Pick<ClientConfig, 'user' | 'host' | 'port' | 'database' | 'ssl' | 'options'> {
  password: string | undefined
}

/** The driver's own reading of a URL: certificates, sockets and its environment variables included. */
function driverSettings(connectionString: string): DriverSettings {
  try {
    const client = new Client({ connectionString }) as Client & { connectionParameters: DriverSettings }
    const { user, host, port, database, ssl, password, options } = client.connectionParameters
    if (!Number.isInteger(port)) throw new TypeError('the port is no number')
    return { user, host, port, database, ssl, password, options }
  } catch (error) {
    // Nothing of the driver's error but the code: it may hold the URL.
    const { code } = error as NodeJS.ErrnoException
    throw refused(
      code === 'ENOENT' || code === 'EACCES'
        ? 'a certificate file it names cannot be read'
        : 'its parts cannot be told apart; percent-encode special characters of user and password',
    )
  }
}

function readSchema(text: string | undefined): string {
  if (text === undefined) return defaultSchema
  if (/^[a-z_][a-z0-9_]{0,62}$/.test(text) && !text.startsWith('pg_')) return text
  throw refused('name the schema with 1 to 63 of a-z, 0-9 and _, not beginning with a digit or pg_')
}

function readPoolSize(text: string | undefined): number {
  if (text === undefined) return defaultPoolSize
  const size = Number(text)
  if (/^\d+$/.test(text) && size >= 1 && size <= 1_000) return size
  throw refused('give pool_size as a whole number from 1 to 1000')
}

function take(parameters: URLSearchParams, name: string): string | undefined {
  const value = parameters.get(name) ?? undefined
  parameters.delete(name)
  return value
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator)
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

function refused(what: string): AtpError {
  return new AtpError('invalid_config', `The database URL cannot be used: ${what}`)
}
