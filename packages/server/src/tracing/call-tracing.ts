import type { ErrorCode, Logger } from '@atp/core'
import { openTelemetry, startSpan } from '@atp/core/otel'
import { ProxyTracerProvider, trace } from '@opentelemetry/api'

/** What a server's span tells of a call. */
export interface ServedCall {
  id: string
  toolkit: { appName: string }
  tool: { name: string }
  /** The `_meta` that came with the call. */
  meta: Record<string, unknown> | undefined
}

/** A server's span of one call. */
export interface ServedSpan {
  /** The `_meta` to send to the toolkit in place of the one that came. */
  readonly meta: Record<string, unknown> | undefined
  /** The call has its outcome; with the code of what it failed with. */
  end(errorCode?: ErrorCode): void
}

/** Makes a span for each call that passes a server. */
export interface CallTracing {
  /** Undefined while this process has no OpenTelemetry SDK: `_meta` is then passed on as it came. */
  start(call: ServedCall): ServedSpan | undefined
}

/** Traces with the OpenTelemetry SDK of this process, also with one that is registered later. Never throws. */
export function createCallTracing(logger: Logger): CallTracing {
  const tracing = openTelemetry({ tracerName: '@atp/server' })
  return {
    start({ id, toolkit, tool, meta = {} }) {
      if (!hasSdk()) return undefined
      const call = { place: 'server', tool: tool.name, toolkit: toolkit.appName, callId: id, meta } as const
      const span = startSpan(tracing, call, logger)
      return {
        meta: span.meta,
        end: (code) => span.end(code === undefined ? undefined : { code }),
      }
    },
  }
}

/** Whether anybody gets spans: spans that nobody gets cost more than the rest of a call's bookkeeping. */
function hasSdk(): boolean {
  const provider = trace.getTracerProvider()
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer('@atp/server') !== undefined
}
