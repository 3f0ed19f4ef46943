/**
 * Where a package of ours reports what it does: one event name plus fields. Compatible with a thin shell on pino,
 * console or anything else. Obligation of every caller: never pass params, results, tokens or keys.
 */
export interface Logger {
  debug(event: string, fields?: Record<string, unknown>): void
  info(event: string, fields?: Record<string, unknown>): void
  warn(event: string, fields?: Record<string, unknown>): void
  error(event: string, fields?: Record<string, unknown>): void
}

const nothing = (): void => {}

/** The default of every option called `logger`. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
