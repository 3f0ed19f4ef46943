import type { WireError } from '../errors/to-wire-error.ts'

/** Where a span stands on a call's way: in the process that asked for it, in a server it passes, where the tool runs. */
export type SpanPlace = 'caller' | 'server' | 'tool'

/** A call as a span tells of it: never its parameters, its result or a token. */
export interface TracedCall {
  place: SpanPlace
  /** The tool's name. */
  tool: string
  /** The toolkit's name, or its id where that is all that is known. */
  toolkit: string | undefined
  /** The call's id; unknown to a caller. */
  callId: string | undefined
  /**
   * The `_meta` that came with the call: its trace context is the span's parent. Empty for a call that came without
   * one, which begins a trace. When undefined, the parent is what is active in this process.
   */
  meta: Readonly<Record<string, unknown>> | undefined
}

/** The span of one call. */
export interface CallSpan {
  /** The `_meta` to send along, which makes the next span a child of this one; undefined when there is none to send. */
  readonly meta: Readonly<Record<string, unknown>> | undefined
  /** Runs `work` with the span active, so that spans begun inside are its children. */
  run<T>(work: () => T): T
  /** Ends the span. With an error the call failed with that code; its message is left out, as it may quote parameters. */
  end(error?: Pick<WireError, 'code'>): void
}

/**
 * Makes spans of calls. `openTelemetry()` of `@atp/core/otel` is one for every OpenTelemetry SDK. What one
 * throws is logged and costs its span only.
 */
export interface Tracing {
  startCall(call: TracedCall): CallSpan
}
