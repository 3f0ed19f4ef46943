import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openTelemetry } from '../../src/otel.ts'
import type { TracedCall } from '../../src/tracing/tracing.ts'
import { registerSdk } from './recording-sdk.ts'

const remote = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }
const call = (given: Partial<TracedCall> = {}): TracedCall => {
  return { place: 'tool', tool: 'greet', toolkit: 'demo', callId: 'call-1', meta: {}, ...given }
}

describe('without an SDK', () => {
  it('passes on what came with a call, and runs it', () => {
    const span = openTelemetry().startCall(call({ meta: { ...remote, other: 1 } }))
    expect(span.meta).toEqual({ ...remote, other: 1 })
    expect(span.run(() => 'ran')).toBe('ran')
    span.end()
  })

  it('has nothing to send along for a call that came with nothing', () => {
    expect(openTelemetry().startCall(call()).meta).toBeUndefined()
    expect(openTelemetry().startCall(call({ meta: undefined })).meta).toBeUndefined()
  })
})

describe('with an SDK', () => {
  let sdk: ReturnType<typeof registerSdk>
  beforeEach(() => {
    sdk = registerSdk()
  })
  afterEach(() => sdk.unregister())

  function only() {
    expect(sdk.spans()).toHaveLength(1)
    const [span] = sdk.spans()
    if (span === undefined) throw new Error('a span was expected')
    return span
  }

  it('names the call by the GenAI conventions', () => {
    openTelemetry().startCall(call()).end()
    expect(only()).toMatchObject({
      name: 'execute_tool greet',
      attributes: {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'greet',
        'gen_ai.tool.type': 'function',
        'gen_ai.tool.call.id': 'call-1',
        'atp.toolkit': 'demo',
      },
      status: { code: SpanStatusCode.UNSET },
    })
  })

  it('leaves out what is not known', () => {
    openTelemetry()
      .startCall(call({ place: 'caller', toolkit: undefined, callId: undefined }))
      .end()
    expect(Object.keys(only().attributes)).toEqual(['gen_ai.operation.name', 'gen_ai.tool.name', 'gen_ai.tool.type'])
  })

  it('tells the code of a failure and not its message, which may quote parameters', () => {
    const failure = { code: 'tool_error', message: 'no user alice@example.com', retryable: false } as const
    openTelemetry().startCall(call()).end(failure)
    const span = only()
    expect(span).toMatchObject({ attributes: { 'error.type': 'tool_error' }, status: { code: SpanStatusCode.ERROR } })
    const { attributes, status, events } = span
    expect(JSON.stringify({ attributes, status, events })).not.toContain('alice')
  })

  it('is the child of what came with the call, whatever is active here', () => {
    const startUp = trace.getTracer('test').startSpan('start up')
    context.with(trace.setSpan(context.active(), startUp), () => {
      openTelemetry()
        .startCall(call({ meta: remote }))
        .end()
    })
    expect(only()).toMatchObject({ kind: SpanKind.SERVER, parentSpanContext: { spanId: 'b'.repeat(16) } })
    expect(only().spanContext().traceId).toBe('a'.repeat(32))
  })

  it('begins a trace for a call that came with no trace, whatever is active here', () => {
    const startUp = trace.getTracer('test').startSpan('start up')
    context.with(trace.setSpan(context.active(), startUp), () => {
      openTelemetry()
        .startCall(call({ meta: {} }))
        .end()
    })
    expect(only().parentSpanContext).toBeUndefined()
    expect(only().spanContext().traceId).not.toBe(startUp.spanContext().traceId)
  })

  it('is the child of what is active where nothing can come with a call', () => {
    const request = trace.getTracer('test').startSpan('request')
    context.with(trace.setSpan(context.active(), request), () => {
      openTelemetry()
        .startCall(call({ meta: undefined }))
        .end()
    })
    expect(only()).toMatchObject({
      kind: SpanKind.INTERNAL,
      parentSpanContext: { spanId: request.spanContext().spanId },
    })
  })

  it('is the child of the span of a framework that has taken the same trace up', () => {
    const caller = openTelemetry().startCall(call({ place: 'caller', meta: undefined }))
    caller.run(() => {
      const request = trace.getTracer('test').startSpan('POST /atp')
      context.with(trace.setSpan(context.active(), request), () => {
        openTelemetry()
          .startCall(call({ meta: caller.meta }))
          .end()
      })
      expect(only().parentSpanContext?.spanId).toBe(request.spanContext().spanId)
    })
  })

  it('is a client where the call is asked for and a server where it passes', () => {
    for (const place of ['caller', 'server'] as const) openTelemetry().startCall(call({ place })).end()
    expect(sdk.spans().map(({ kind }) => kind)).toEqual([SpanKind.CLIENT, SpanKind.SERVER])
  })

  it('sends its own context along in place of the one that came, and the rest as it was', () => {
    const meta = { traceparent: 'nonsense', tracestate: 'vendor=1', progress_token: 7 }
    const span = openTelemetry().startCall(call({ meta }))
    const { traceparent, ...rest } = span.meta ?? {}
    span.end()
    const { traceId, spanId } = only().spanContext()
    expect(traceparent).toBe(`00-${traceId}-${spanId}-01`)
    expect(rest).toEqual({ progress_token: 7 })
    expect(meta.traceparent).toBe('nonsense')
  })

  it.each([
    ['a number', { traceparent: 7 }],
    ['an object', { traceparent: { toString: () => remote.traceparent } }],
    ['an inherited text', Object.create(remote)],
    ['a list', { traceparent: [remote.traceparent] }],
  ])('reads %s of a peer as no trace at all', (_what, meta) => {
    openTelemetry().startCall(call({ meta })).end()
    expect(only().parentSpanContext).toBeUndefined()
  })

  it('makes spans with the tracer it was given', () => {
    openTelemetry({ tracer: trace.getTracer('mine') })
      .startCall(call())
      .end()
    openTelemetry().startCall(call()).end()
    expect(sdk.spans().map(({ instrumentationScope }) => instrumentationScope.name)).toEqual(['mine', '@atp/core'])
  })
})
