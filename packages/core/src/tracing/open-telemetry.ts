import {
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { CallSpan, TracedCall, Tracing } from './tracing.ts'

/** How {@link openTelemetry} traces. */
export interface OpenTelemetryOptions {
  /** Makes the spans. @default the registered provider's tracer of that name */
  tracer?: Tracer | undefined
  /** What that tracer is called: the instrumentation's name. @default '@atp/core' */
  tracerName?: string | undefined
}

/**
 * Traces calls with the OpenTelemetry SDK that the process has registered, and passes the trace context on with the
 * propagator registered there; without an SDK it does nothing. Spans are called `execute_tool {tool}` and have the
 * attributes of the GenAI conventions: `gen_ai.operation.name`, `gen_ai.tool.name`, `gen_ai.tool.type`,
 * `gen_ai.tool.call.id`, on failure `error.type` (a code of ATP); and `atp.toolkit`.
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Tracing {
  const { tracer, tracerName = '@atp/core' } = options
  return {
    startCall(call) {
      const parent = parentOf(call)
      const span = (tracer ?? trace.getTracer(tracerName)).startSpan(
        `execute_tool ${call.tool}`,
        { kind: kindOf(call, parent), attributes: attributesOf(call) },
        parent,
      )
      return new OpenTelemetrySpan(span, trace.setSpan(parent, span), call.meta)
    },
  }
}

class OpenTelemetrySpan implements CallSpan {
  readonly #span: Span
  readonly #context: Context
  readonly #received: TracedCall['meta']

  constructor(span: Span, within: Context, received: TracedCall['meta']) {
    this.#span = span
    this.#context = within
    this.#received = received
  }

  get meta(): CallSpan['meta'] {
    const meta: Record<string, unknown> = { ...this.#received }
    // A new trace must not travel with what belonged to another one.
    for (const field of propagation.fields()) delete meta[field]
    propagation.inject(this.#context, meta)
    return Object.keys(meta).length === 0 ? undefined : meta
  }

  run<T>(work: () => T): T {
    return context.with(this.#context, work)
  }

  end(error?: { code: string }): void {
    if (error !== undefined) {
      this.#span.setAttribute('error.type', error.code)
      this.#span.setStatus({ code: SpanStatusCode.ERROR })
    }
    this.#span.end()
  }
}

/** What came with a call was written by a peer: only texts are read, whatever else is there. */
const metaGetter: TextMapGetter<Readonly<Record<string, unknown>>> = {
  keys: (meta) => Object.keys(meta),
  get(meta, name) {
    const value = Object.hasOwn(meta, name) ? meta[name] : undefined
    return typeof value === 'string' ? value : undefined
  },
}

function parentOf({ meta }: TracedCall): Context {
  const active = context.active()
  if (meta === undefined) return active
  const received = propagation.extract(ROOT_CONTEXT, meta, metaGetter)
  // A framework that is traced itself has taken the call's trace up already: its span is nearer.
  const traceId = trace.getSpanContext(received)?.traceId
  return traceId !== undefined && traceId === trace.getSpanContext(active)?.traceId ? active : received
}

function kindOf({ place }: TracedCall, parent: Context): SpanKind {
  if (place === 'caller') return SpanKind.CLIENT
  const isLocal = trace.getSpanContext(parent)?.isRemote !== true
  return place === 'tool' && isLocal ? SpanKind.INTERNAL : SpanKind.SERVER
}

function attributesOf({ tool, toolkit, callId }: TracedCall): Record<string, string> {
  const attributes: Record<string, string> = {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': tool,
    'gen_ai.tool.type': 'function',
  }
  if (toolkit !== undefined) attributes['atp.toolkit'] = toolkit
  if (callId !== undefined) attributes['gen_ai.tool.call.id'] = callId
  return attributes
}
