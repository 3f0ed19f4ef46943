import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DoorCall, LlmDoor } from '../../src/clients/llm-door.ts'
import { createTracedLlmDoor } from '../../src/clients/traced-llm-door.ts'
import { AtpError } from '../../src/errors/atp-error.ts'
import { openTelemetry } from '../../src/otel.ts'
import { registerSdk } from '../tracing/recording-sdk.ts'

const call: DoorCall = {
  toolkitId: 'demo',
  tool: 'greet',
  params: { secret: 1 },
  provider: undefined,
  userPrompt: undefined,
}

describe('a traced door', () => {
  let sdk: ReturnType<typeof registerSdk>
  let sent: DoorCall[]
  let answer: () => Promise<unknown>
  let door: LlmDoor
  beforeEach(() => {
    sdk = registerSdk()
    sent = []
    answer = async () => 'done'
    const plain: LlmDoor = {
      context: async () => ({}) as never,
      call(request) {
        sent.push(request)
        return answer()
      },
      async detach(request) {
        sent.push(request)
        return 'call-1'
      },
      keepsKeys: async () => true,
      close: async () => {},
    }
    door = createTracedLlmDoor(plain, openTelemetry(), undefined)
  })
  afterEach(() => sdk.unregister())

  it('sends the context of a span of its own along with each call', async () => {
    expect(await Promise.all([door.call(call), door.call(call), door.detach(call)])).toEqual(['done', 'done', 'call-1'])
    const spans = sdk.spans()
    expect(spans.map(({ name }) => name)).toEqual(Array.from({ length: 3 }, () => 'execute_tool greet'))
    const ids = spans.map((span) => span.spanContext().spanId)
    expect(sent.map(({ meta }) => String(meta?.traceparent).split('-')[2]).sort()).toEqual(ids.sort())
    expect(JSON.stringify(spans.map(({ attributes }) => attributes))).not.toContain('secret')
  })

  it('tells how a call failed, and passes the failure on as it is', async () => {
    const failure = new AtpError('toolkit_offline', 'Toolkit "demo" is offline')
    answer = () => Promise.reject(failure)
    await expect(door.call(call)).rejects.toBe(failure)
    expect(sdk.spans()[0]?.attributes).toMatchObject({ 'error.type': 'toolkit_offline', 'atp.toolkit': 'demo' })
  })
})
