import {
  context,
  createTraceState,
  defaultTextMapGetter,
  propagation,
  type TextMapPropagator,
  trace,
} from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'

/** Registers an OpenTelemetry SDK as a process does at its start; what it was told is in `spans`. */
export function registerSdk(): { spans(): ReadableSpan[]; unregister(): void } {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  trace.setGlobalTracerProvider(provider)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(traceContext)
  return {
    spans: () => exporter.getFinishedSpans(),
    unregister() {
      trace.disable()
      context.disable()
      propagation.disable()
    },
  }
}

/** W3C Trace Context, as far as these tests send it. */
const traceContext: TextMapPropagator = {
  fields: () => ['traceparent', 'tracestate'],
  inject(from, carrier, setter) {
    const span = trace.getSpanContext(from)
    if (span === undefined || !trace.isSpanContextValid(span)) return
    const flags = span.traceFlags.toString(16).padStart(2, '0')
    setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-${flags}`)
    if (span.traceState !== undefined) setter.set(carrier, 'tracestate', span.traceState.serialize())
  },
  extract(into, carrier, getter = defaultTextMapGetter) {
    const text = getter.get(carrier, 'traceparent')
    const [, traceId, spanId, flags] = /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/.exec(String(text)) ?? []
    if (typeof text !== 'string' || traceId === undefined || spanId === undefined) return into
    const state = getter.get(carrier, 'tracestate')
    const traceState = typeof state === 'string' ? { traceState: createTraceState(state) } : {}
    const traceFlags = Number.parseInt(flags ?? '0', 16)
    return trace.setSpanContext(into, { traceId, spanId, traceFlags, isRemote: true, ...traceState })
  },
}
