import { readFileSync } from 'node:fs'
import { AtpError } from '@atp/core'
import * as z from 'zod'
import type { LogLevel } from './logging/pino-logger.ts'

/** What the environment says of a server; the only place that names these variables. */
export interface EnvironmentConfig {
  /** `PORT` */
  port: number | undefined
  /** `ATP_HOST` */
  host: string | undefined
  /** `ATP_DATA` */
  data: string | undefined
  /** `ATP_DATABASE_URL`, else `DATABASE_URL`: see {@link readDatabaseUrl} */
  databaseUrl: string | undefined
  /** `ATP_TRUSTED_PROXIES`: addresses and networks, divided by commas. What they are is checked where they are used. */
  trustedProxies: string[] | undefined
  /** `ATP_LOG_LEVEL` */
  logLevel: LogLevel | undefined
  /** `ATP_ENCRYPTION_KEYS`, else what is in the file of `ATP_ENCRYPTION_KEYS_FILE`: see {@link readEncryptionKeys} */
  encryptionKeys: string | undefined
}

const environment = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  ATP_HOST: z.string().min(1).optional(),
  ATP_DATA: z.string().min(1).optional(),
  ATP_TRUSTED_PROXIES: z.string().optional(),
  ATP_LOG_LEVEL: z.enum(['silent', 'error', 'warn', 'info', 'debug']).optional(),
})

/**
 * Reads the environment; empty variables count as absent.
 * @throws AtpError `invalid_config` naming every variable that cannot be used
 */
export function readEnvironment(env: Record<string, string | undefined>): EnvironmentConfig {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = environment.safeParse(given)
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw new AtpError('invalid_config', `These environment variables cannot be used: ${problems.join('; ')}`)
  }
  const { PORT, ATP_HOST, ATP_DATA, ATP_TRUSTED_PROXIES, ATP_LOG_LEVEL } = parsed.data
  return {
    port: PORT,
    host: ATP_HOST,
    data: ATP_DATA,
    databaseUrl: readDatabaseUrl(env),
    trustedProxies: ATP_TRUSTED_PROXIES?.split(',').map((proxy) => proxy.trim()),
    logLevel: ATP_LOG_LEVEL,
    encryptionKeys: readEncryptionKeys(env),
  }
}

/**
 * The database that the environment names: `ATP_DATABASE_URL`, else a `DATABASE_URL` that is PostgreSQL's. One of
 * another kind is for another program. `ATP_DATABASE_URL` is returned as it is, so that a mistake in it is reported.
 * @param general whether `DATABASE_URL` counts: not where something else already says where the data is. @default true
 */
export function readDatabaseUrl(env: Record<string, string | undefined>, general: boolean = true): string | undefined {
  const { ATP_DATABASE_URL, DATABASE_URL } = env
  if (ATP_DATABASE_URL) return ATP_DATABASE_URL
  return general && DATABASE_URL && /^postgres(ql)?:\/\//i.test(DATABASE_URL) ? DATABASE_URL : undefined
}

/**
 * The encryption keys that the environment names: `ATP_ENCRYPTION_KEYS`, or the content of the file that
 * `ATP_ENCRYPTION_KEYS_FILE` names. What they are is checked where they are used.
 * @throws AtpError `invalid_config` when both are given, or the file cannot be read
 */
export function readEncryptionKeys(env: Record<string, string | undefined>): string | undefined {
  const { ATP_ENCRYPTION_KEYS: keys, ATP_ENCRYPTION_KEYS_FILE: file } = env
  if (!file) return keys || undefined
  if (keys) {
    throw new AtpError('invalid_config', 'Give ATP_ENCRYPTION_KEYS or ATP_ENCRYPTION_KEYS_FILE, not both')
  }
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { message } = error as Error
    throw new AtpError('invalid_config', `Cannot read the file of ATP_ENCRYPTION_KEYS_FILE: ${message}`, {
      cause: error,
    })
  }
}
