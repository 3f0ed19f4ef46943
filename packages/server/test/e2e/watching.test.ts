import type { ToolKitClient } from '@atp/core'
import { openTelemetry } from '@atp/core/otel'
import { trace } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readExposition } from '../metrics/read-exposition.ts'
import { deliveryKinds, startDelivery } from '../support/start-delivery.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'
import { registerSdk } from '../tracing/recording-sdk.ts'

interface Answer {
  status: number
  body: { calls: Record<string, unknown>[]; cursor: string; gap: boolean; code?: string; next_before: string | null }
}

async function ask(server: TestServer, path: string, key: string = server.keys.adminKey): Promise<Answer> {
  const answer = await fetch(`${server.url}/api/v2/calls${path}`, { headers: { authorization: `Bearer ${key}` } })
  return { status: answer.status, body: (await answer.json()) as Answer['body'] }
}

async function startToolkit(server: TestServer) {
  const slow = Promise.withResolvers<string>()
  const slowBegan = Promise.withResolvers<void>()
  const toolkit = await server.toolkit({ appName: 'demo' })
  toolkit.registerTool({ name: 'greet', description: '' }, () => 'hello')
  toolkit.registerTool({ name: 'fail', description: '' }, () => {
    throw new Error('no')
  })
  toolkit.registerTool({ name: 'slow', description: '' }, () => {
    slowBegan.resolve()
    return slow.promise
  })
  await toolkit.start()
  return { finishSlow: () => slow.resolve('done'), slowBegan: slowBegan.promise }
}

const tools = ({ body }: Answer): unknown[] => body.calls.map(({ tool }) => tool)

describe('following the calls of a server', () => {
  it('tells each once in the order they end, also one that began before those that were told', async () => {
    await using server = await startTestServer()
    const { finishSlow, slowBegan } = await startToolkit(server)
    const llm = server.llm()
    const start = await ask(server, '/tail')
    expect(start).toMatchObject({ status: 200, body: { calls: [], gap: false } })
    const slow = llm.call({ toolkitId: 'demo', tool: 'slow' })
    await slowBegan
    const waiting = ask(server, `/tail?cursor=${start.body.cursor}&wait_ms=20000`)
    await llm.call({ toolkitId: 'demo', tool: 'greet' })
    const first = await waiting
    expect(tools(first)).toEqual(['greet'])
    expect(first.body.calls[0]).toMatchObject({ toolkit: 'demo', status: 'succeeded', delivery: 'socket' })
    finishSlow()
    await slow
    const second = await ask(server, `/tail?cursor=${first.body.cursor}&wait_ms=20000`)
    expect(tools(second)).toEqual(['slow'])
    expect(second.body.calls[0]?.id).not.toBe(first.body.calls[0]?.id)
  })

  it('lets those who wait go when the server stops', async () => {
    await using server = await startTestServer()
    const { body } = await ask(server, '/tail')
    const waiting = ask(server, `/tail?cursor=${body.cursor}&wait_ms=25000`)
    const closing = server.server.close(0)
    // It was answered, or came too late to be.
    expect(await waiting.then(tools, () => [])).toEqual([])
    await closing
  })

  it.each(['/tail?cursor=x', '/tail?wait_ms=25001', '/tail?status=odd', '?error=odd', '?delivery=odd', '?since=-1'])(
    'refuses %s',
    async (path) => {
      await using server = await startTestServer()
      expect(await ask(server, path)).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    },
  )

  it('needs an admin key, and knows only toolkits of its project', async () => {
    await using server = await startTestServer()
    expect((await ask(server, '/tail', server.keys.llmKey)).status).toBe(403)
    expect((await ask(server, '/tail?toolkit=unknown')).body.code).toBe('toolkit_not_found')
  })
})

describe('looking calls up', () => {
  it('finds them by delivery, error and time', async () => {
    await using server = await startTestServer()
    await startToolkit(server)
    const llm = server.llm()
    await llm.call({ toolkitId: 'demo', tool: 'greet' })
    await llm.call({ toolkitId: 'demo', tool: 'fail' }).catch(() => {})
    expect(tools(await ask(server, '?error=tool_error'))).toEqual(['fail'])
    expect(tools(await ask(server, '?delivery=socket'))).toEqual(['fail', 'greet'])
    expect(tools(await ask(server, '?delivery=inbox'))).toEqual([])
    const [latest] = (await ask(server, '')).body.calls
    expect(tools(await ask(server, `?since=${latest?.started_at}&tool=fail`))).toEqual(['fail'])
    expect(tools(await ask(server, `?since=${Date.now() + 60_000}`))).toEqual([])
  })

  it('shows one that is stored, before and after it ended', async () => {
    await using server = await startTestServer()
    const { finishSlow, slowBegan } = await startToolkit(server)
    const llm = server.llm()
    const { callId } = await llm.call({ toolkitId: 'demo', tool: 'slow', detach: true })
    await slowBegan
    const known = { id: callId, toolkit: 'demo', tool: 'slow', delivery: 'socket', error_code: null, retried_as: null }
    const show = async () => (await ask(server, `/${callId}`)).body
    expect(await show()).toMatchObject({ ...known, status: 'dispatched', state: 'dispatched', deliveries: 0 })
    finishSlow()
    await llm.waitForCall(callId)
    expect(await show()).toMatchObject({ ...known, status: 'succeeded', state: 'ended' })
  })
})

it('tells metrics of its calls', async () => {
  await using server = await startTestServer()
  await startToolkit(server)
  const llm = server.llm()
  await llm.call({ toolkitId: 'demo', tool: 'greet' })
  await llm.call({ toolkitId: 'demo', tool: 'fail' }).catch(() => {})
  const values = readExposition(await (await fetch(`${server.url}/metrics`)).text())
  expect(values.get('atp_tool_calls_total{toolkit="demo",tool="greet",status="succeeded"}')).toBe(1)
  expect(values.get('atp_tool_calls_total{toolkit="demo",tool="fail",status="failed"}')).toBe(1)
  expect(values.get('atp_tool_call_duration_seconds_count{toolkit="demo"}')).toBe(2)
  expect(values.get('atp_connected_toolkits')).toBe(1)
  expect(values.get('atp_calls_in_flight')).toBe(0)
})

describe('tracing', () => {
  let sdk: ReturnType<typeof registerSdk>
  beforeEach(() => {
    sdk = registerSdk()
  })
  afterEach(() => sdk.unregister())

  const ways = deliveryKinds.flatMap((kind) => (['ws', 'http'] as const).map((protocol) => [kind, protocol] as const))
  it.each(ways)('makes one trace into a tool behind %s from a caller over %s', async (kind, protocol) => {
    await using server = await startTestServer()
    const greet = (): string => {
      trace.getTracer('app').startSpan('inside the tool').end()
      return 'hello'
    }
    const register = (toolkit: ToolKitClient): void =>
      void toolkit.registerTool({ name: 'greet', description: '' }, greet)
    await using _toolkit = await startDelivery(server, kind, 'demo', register, { tracing: openTelemetry() })
    const llm = server.llm({ protocol, tracing: openTelemetry() })
    await llm.call({ toolkitId: 'demo', tool: 'greet' })
    await expect.poll(() => sdk.spans().length).toBe(4)
    const inside = sdk.spans().find(({ name }) => name === 'inside the tool')
    const trail = [inside]
    for (let parent = inside; parent !== undefined; ) {
      const id = parent.parentSpanContext?.spanId
      parent = sdk.spans().find((span) => span.spanContext().spanId === id)
      if (parent !== undefined) trail.push(parent)
    }
    expect(trail.map((span) => [span?.instrumentationScope.name, span?.name])).toEqual([
      ['app', 'inside the tool'],
      ['@atp/core', 'execute_tool greet'],
      ['@atp/server', 'execute_tool greet'],
      ['@atp/core', 'execute_tool greet'],
    ])
    expect(new Set(trail.map((span) => span?.spanContext().traceId)).size).toBe(1)
    const [logged] = (await ask(server, '')).body.calls
    const ids = trail.map((span) => span?.attributes['gen_ai.tool.call.id'])
    expect(ids).toEqual([undefined, logged?.id, logged?.id, undefined])
  })
})
