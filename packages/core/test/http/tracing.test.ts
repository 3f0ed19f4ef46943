import { context, trace } from '@opentelemetry/api'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createFetchHandler, Toolkit } from '../../src/index.ts'
import { openTelemetry } from '../../src/otel.ts'
import { registerSdk } from '../tracing/recording-sdk.ts'

let sdk: ReturnType<typeof registerSdk>
beforeEach(() => {
  sdk = registerSdk()
})
afterEach(() => sdk.unregister())

async function post(headers: Record<string, string> = {}): Promise<void> {
  const toolkit = new Toolkit({ appName: 'demo' })
  toolkit.registerTool({ name: 'greet', description: '' }, () => 'hello')
  const handle = createFetchHandler(toolkit, { authorize: 'public', tracing: openTelemetry() })
  const answer = await handle(new Request('http://app/atp/demo/greet/', { method: 'POST', headers }))
  expect(await answer?.json()).toEqual({ result: 'hello' })
}

it('goes on with the trace of the request', async () => {
  await post({ traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'vendor=1' })
  const [span] = sdk.spans()
  expect(span?.attributes).toMatchObject({ 'atp.toolkit': 'demo', 'gen_ai.tool.name': 'greet' })
  expect(span?.parentSpanContext?.spanId).toBe('b'.repeat(16))
  expect(span?.spanContext().traceState?.serialize()).toBe('vendor=1')
})

it('is inside the span of a framework that is traced itself', async () => {
  const request = trace.getTracer('framework').startSpan('POST')
  await context.with(trace.setSpan(context.active(), request), () => post())
  expect(sdk.spans()[0]?.parentSpanContext?.spanId).toBe(request.spanContext().spanId)
})
