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
  /** `ATP_LOG_LEVEL` */
  logLevel: LogLevel | undefined
}

const environment = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  ATP_HOST: z.string().min(1).optional(),
  ATP_DATA: z.string().min(1).optional(),
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
  const { PORT, ATP_HOST, ATP_DATA, ATP_LOG_LEVEL } = parsed.data
  return { port: PORT, host: ATP_HOST, data: ATP_DATA, logLevel: ATP_LOG_LEVEL }
}
