import { isAtpError } from '../../errors/atp-error.ts'
import type { Logger } from '../../logging/logger.ts'
import type { Connect, Connected, ConnectOptions } from '../../transport/transport.ts'

/**
 * Whether a client speaks the founding wire: where the server answers 404 to that of protocol 2 (`true`), never
 * (`false`), or from the start (`'always'`).
 */
export type LegacyFallback = boolean | 'always'

/**
 * Opens a transport that takes frames of protocol 2 and speaks the founding wire.
 * @param missing to be called when the server does not have the founding addresses either.
 */
export type OpenLegacy = (options: ConnectOptions, missing: () => void) => Promise<Connected>

/** What {@link withLegacyFallback} needs. */
export interface LegacyFallbackOptions {
  mode: LegacyFallback
  connect: Connect
  openLegacy: OpenLegacy
  logger: Logger
}

/** A server may have been upgraded meanwhile: after this long the next connect asks for protocol 2 again. */
const probeAgainMs = 300_000

/**
 * Connects with protocol 2, and with the founding wire where the server answers 404 to that and to nothing else: a
 * server that is away for a moment is no older one. The finding holds for the client's next connects.
 */
export function withLegacyFallback({ mode, connect, openLegacy, logger }: LegacyFallbackOptions): Connect {
  if (mode === false) return connect
  /** When the server was found to be a founding one. */
  let foundAt: number | undefined
  const forget = (): void => {
    foundAt = undefined
  }
  return async (options) => {
    if (mode === 'always') return openLegacy(options, () => {})
    if (foundAt === undefined || performance.now() - foundAt >= probeAgainMs) {
      try {
        const connected = await connect(options)
        forget()
        return connected
      } catch (error) {
        if (!isMissing(error)) throw error
        foundAt = performance.now()
        logger.info('connection.legacy', { url: options.url })
      }
    }
    try {
      return await openLegacy(options, forget)
    } catch (error) {
      if (isMissing(error)) forget()
      throw error
    }
  }
}

/** Whether the server says that it has no such address. */
export function isMissing(error: unknown): boolean {
  return isAtpError(error) && error.details?.status === 404
}
