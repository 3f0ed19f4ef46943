import { defineTool, invokeTool, silentLogger } from '@atp/core'
import { openTelemetry } from '@atp/core/otel'
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCallTracing, type ServedCall } from '../../src/tracing/call-tracing.ts'
import { registerSdk } from './recording-sdk.ts'

const call = (meta?: ServedCall['meta']): ServedCall => {
  return { id: 'call-1', toolkit: { appName: 'demo' }, tool: { name: 'greet' }, meta }
}

it('makes no span while the process has no SDK, and begins when one is registered', () => {
  const tracing = createCallTracing(silentLogger)
  expect(tracing.start(call())).toBeUndefined()
  const sdk = registerSdk()
  tracing.start(call())?.end()
  expect(sdk.spans().map(({ name }) => name)).toEqual(['execute_tool greet'])
  sdk.unregister()
  expect(tracing.start(call())).toBeUndefined()
})

describe('with an SDK', () => {
  let sdk: ReturnType<typeof registerSdk>
  beforeEach(() => {
    sdk = registerSdk()
  })
  afterEach(() => sdk.unregister())

  it('makes one trace of caller, server and tool, with the spans of the tool inside', async () => {
    const caller = openTelemetry().startCall({
      place: 'caller',
      tool: 'greet',
      toolkit: 'demo',
      callId: undefined,
      meta: undefined,
    })
    const served = createCallTracing(silentLogger).start(call(JSON.parse(JSON.stringify(caller.meta))))
    const tool = defineTool({ name: 'greet', description: '' }, async () => {
      trace.getTracer('app').startSpan('query').end()
      return 'hello'
    })
    const meta = JSON.parse(JSON.stringify(served?.meta))
    await invokeTool(tool, {}, { callId: 'call-1', toolkit: 'demo', tracing: openTelemetry(), meta })
    served?.end()
    caller.end()

    const [query, run, server, client] = sdk.spans()
    expect(new Set(sdk.spans().map((span) => span.spanContext().traceId)).size).toBe(1)
    expect([query, run, server, client].map((span) => span?.parentSpanContext?.spanId)).toEqual([
      run?.spanContext().spanId,
      server?.spanContext().spanId,
      client?.spanContext().spanId,
      undefined,
    ])
    expect([run?.kind, server?.kind, client?.kind]).toEqual([SpanKind.SERVER, SpanKind.SERVER, SpanKind.CLIENT])
    expect(server?.attributes).toMatchObject({ 'gen_ai.tool.call.id': 'call-1', 'atp.toolkit': 'demo' })
    expect(server?.instrumentationScope.name).toBe('@atp/server')
  })

  it('begins a trace for a caller that has none', () => {
    const served = createCallTracing(silentLogger).start(call())
    served?.end('toolkit_offline')
    const [span] = sdk.spans()
    expect(span?.parentSpanContext).toBeUndefined()
    expect(span?.attributes['error.type']).toBe('toolkit_offline')
    expect(span?.status.code).toBe(SpanStatusCode.ERROR)
    expect(served?.meta).toEqual({ traceparent: expect.stringContaining(String(span?.spanContext().spanId)) })
  })
})
