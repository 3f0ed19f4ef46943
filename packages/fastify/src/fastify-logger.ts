import type { Logger } from '@atp/core'
import type { FastifyBaseLogger } from 'fastify'

/** Writes to a log of Fastify, with the event's name as the message; undefined where the app logs nothing. */
export function fastifyLogger(log: FastifyBaseLogger): Logger | undefined {
  // What stands for the log in an app made with `logger: false` has no level.
  if (log.level === undefined) return undefined
  return {
    debug: (event, fields = {}) => log.debug(fields, event),
    info: (event, fields = {}) => log.info(fields, event),
    warn: (event, fields = {}) => log.warn(fields, event),
    error: (event, fields = {}) => log.error(fields, event),
  }
}
