import type { Logger } from '@atp/core'
import { type DestinationStream, destination, pino } from 'pino'
import { redactFields } from './redact-fields.ts'

/** What is logged; `silent` logs nothing. */
export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug'

/**
 * A logger that writes one JSON line for each event to a stream, by default to stderr. What goes into a line is made
 * safe first: `redactFields` takes secrets out (rule L1), and JSON keeps line breaks of input inside the line (rule L3).
 */
export function createPinoLogger(level: LogLevel, stream?: DestinationStream): Logger {
  const log = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'event', serializers: {} },
    stream ?? destination({ dest: 2, sync: true }),
  )
  const write =
    (method: 'debug' | 'info' | 'warn' | 'error') =>
    (event: string, fields: Record<string, unknown> = {}): void => {
      if (log.isLevelEnabled(method)) log[method](redactFields(fields), event)
    }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}
