import type { Logger } from '@atp/core'
import { type DestinationStream, destination, pino } from 'pino'

/** What is logged; `silent` logs nothing. */
export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug'

/** Rule L1: members of these names are never written, wherever a log line has them. */
const secretNames = [
  'authorization',
  'cookie',
  'token',
  'authToken',
  'auth_token',
  'access_token',
  'refresh_token',
  'secret',
  'key',
  'apiKey',
  'api_key',
  'code_verifier',
]

/** Key-shaped texts, as they stand in URLs of older clients and could stand in a message. */
const keyShaped: RegExp = /atp_[a-z]+_[0-9A-Za-z]{16,}/g

/** A logger that writes JSON lines to a stream, by default to stderr. */
export function createPinoLogger(level: LogLevel, stream?: DestinationStream): Logger {
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'event',
      redact: { paths: secretNames.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    },
    stream ?? destination({ dest: 2, sync: true }),
  )
  const write =
    (method: 'debug' | 'info' | 'warn' | 'error') =>
    (event: string, fields: Record<string, unknown> = {}): void => {
      if (log.isLevelEnabled(method)) log[method](withoutKeys(fields), event)
    }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

function withoutKeys(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? value.replace(keyShaped, '[redacted]') : value,
    ]),
  )
}
