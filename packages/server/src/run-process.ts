import type { Logger } from '@atp/core'

/** Something a process runs until it is told to end. */
export interface ProcessOptions {
  /** Ends the work in order; called once. */
  stop: (reason: string) => Promise<void>
  logger: Logger
  /** After this the process ends whatever still runs, in milliseconds. @default 25_000 */
  deadlineMs?: number
}

const sameSignalMs = 1_000

/**
 * Makes this process end in order: on SIGTERM and SIGINT with code 0, on a defect nobody caught with code 1 (rules S1,
 * S3). A second signal ends it at once, unless it comes so soon that it is the same Ctrl-C: a terminal signals the whole
 * process group, and npm passes the signal on as well.
 */
export function runProcess({ stop, logger, deadlineMs = 25_000 }: ProcessOptions): void {
  let endingSince: number | undefined
  const end = (reason: string, exitCode: number): void => {
    if (endingSince !== undefined) {
      if (performance.now() - endingSince > sameSignalMs) process.exit(exitCode === 0 ? 130 : exitCode)
      return
    }
    endingSince = performance.now()
    setTimeout(() => {
      logger.error('process.stop_timed_out', { reason })
      process.exit(1)
    }, deadlineMs).unref()
    stop(reason).then(
      () => process.exit(exitCode),
      (error: unknown) => {
        logger.error('process.stop_failed', { error: String(error) })
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', () => end('SIGTERM', 0))
  process.on('SIGINT', () => end('SIGINT', 0))
  const defect = (error: unknown): void => {
    logger.error('process.defect', { error: error instanceof Error ? error.stack : String(error) })
    if (endingSince === undefined) end('defect', 1)
  }
  process.on('uncaughtException', defect)
  process.on('unhandledRejection', defect)
}
