import { errorText } from '../errors/to-wire-error.ts'
import type { Logger } from '../logging/logger.ts'
import type { CallSpan, TracedCall, Tracing } from './tracing.ts'

/** Begins a span that never throws: tracing that fails is logged, and costs the span and not the call. */
export function startSpan(tracing: Tracing, call: TracedCall, logger: Logger | undefined): CallSpan {
  let span: CallSpan | undefined
  try {
    span = tracing.startCall(call)
  } catch (error) {
    report(error, logger)
  }
  return new GuardedSpan(span, call.meta, logger)
}

class GuardedSpan implements CallSpan {
  readonly #span: CallSpan | undefined
  readonly #received: TracedCall['meta']
  readonly #logger: Logger | undefined

  constructor(span: CallSpan | undefined, received: TracedCall['meta'], logger: Logger | undefined) {
    this.#span = span
    this.#received = received
    this.#logger = logger
  }

  get meta(): CallSpan['meta'] {
    try {
      if (this.#span !== undefined) return this.#span.meta
    } catch (error) {
      report(error, this.#logger)
    }
    return this.#received
  }

  run<T>(work: () => T): T {
    let finished: { value: T } | { error: unknown } | undefined
    const runOnce = (): { value: T } | { error: unknown } => {
      try {
        finished ??= { value: work() }
      } catch (error) {
        finished = { error }
      }
      return finished
    }
    try {
      this.#span?.run(runOnce)
    } catch (error) {
      report(error, this.#logger)
    }
    const result = finished ?? runOnce()
    if ('error' in result) throw result.error
    return result.value
  }

  end(error?: Parameters<CallSpan['end']>[0]): void {
    try {
      this.#span?.end(error)
    } catch (failure) {
      report(failure, this.#logger)
    }
  }
}

function report(error: unknown, logger: Logger | undefined): void {
  logger?.error('tracing.failed', { error: errorText(error) })
}
