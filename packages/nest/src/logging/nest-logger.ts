import type { Logger as AtpLogger } from '@atp/core'
import { Logger } from '@nestjs/common'

/** Writes to the log of the app: the event's name, and its fields as JSON behind it. */
export function nestLogger(context: string): AtpLogger {
  const logger = new Logger(context)
  return {
    debug: (event, fields) => logger.debug(toLine(event, fields)),
    info: (event, fields) => logger.log(toLine(event, fields)),
    warn: (event, fields) => logger.warn(toLine(event, fields)),
    error: (event, fields) => logger.error(toLine(event, fields)),
  }
}

function toLine(event: string, fields: Record<string, unknown> | undefined): string {
  return fields === undefined ? event : `${event} ${JSON.stringify(fields)}`
}
