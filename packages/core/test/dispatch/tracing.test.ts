import { trace } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openTelemetry } from '../../src/otel.ts'
import type { CallSpan, TracedCall, Tracing } from '../../src/tracing/tracing.ts'
import { registerSdk } from '../tracing/recording-sdk.ts'
import { makeTool, recordingLogger, resultOf, run } from './run-tool.ts'

/** Tracing that notes what it is told. */
function recordingTracing(): Tracing & { calls: TracedCall[]; ends: unknown[] } {
  const calls: TracedCall[] = []
  const ends: unknown[] = []
  return {
    calls,
    ends,
    startCall(call) {
      calls.push(call)
      return { meta: undefined, run: (work) => work(), end: (error) => void ends.push(error?.code ?? 'ok') }
    },
  }
}

describe('the span of a run', () => {
  it('tells which call it is and how it ended', async () => {
    const tracing = recordingTracing()
    const options = { tracing, toolkit: 'demo', meta: { traceparent: 'x' }, callId: 'c-1' }
    await resultOf(
      makeTool(() => 'done'),
      {},
      options,
    )
    expect(tracing.calls).toEqual([
      { place: 'tool', tool: 'f', toolkit: 'demo', callId: 'c-1', meta: { traceparent: 'x' } },
    ])
    expect(tracing.ends).toEqual(['ok'])
  })

  it('ends with the code of what refuses or fails the call, once each', async () => {
    const tracing = recordingTracing()
    await run(
      makeTool(() => 'never', { params: ['city'], requiredParams: ['city'] }),
      {},
      { tracing },
    )
    const failing = makeTool(() => {
      throw new Error('no')
    })
    await run(failing, {}, { tracing })
    await run(
      makeTool(() => new Promise(() => {})),
      {},
      { tracing, timeoutMs: 1 },
    )
    expect(tracing.ends).toEqual(['missing_params', 'tool_error', 'deadline_exceeded'])
  })
})

describe('tracing that throws', () => {
  const broken = (fault: keyof CallSpan | 'startCall' | 'run twice'): Tracing => {
    const fail = (): never => {
      throw new Error(`${fault} is broken`)
    }
    return {
      startCall(): CallSpan {
        if (fault === 'startCall') fail()
        return {
          meta: undefined,
          run(work) {
            const value = fault === 'run' ? fail() : work()
            if (fault === 'run twice') work()
            return fault === 'run twice' ? fail() : value
          },
          end: () => (fault === 'end' ? fail() : undefined),
        }
      },
    }
  }

  it.each(['startCall', 'run', 'run twice', 'end'] as const)('in %s costs the span and not the call', async (fault) => {
    const logger = recordingLogger()
    let runs = 0
    const tool = makeTool(() => {
      runs += 1
      return 'done'
    })
    expect(await resultOf(tool, {}, { tracing: broken(fault), logger })).toBe('done')
    expect(runs).toBe(1)
    expect(logger.lines).toEqual([['error', 'tracing.failed', { error: `${fault} is broken` }]])
  })
})

describe('with OpenTelemetry', () => {
  let sdk: ReturnType<typeof registerSdk>
  beforeEach(() => {
    sdk = registerSdk()
  })
  afterEach(() => sdk.unregister())

  it("makes the tool's own spans children of the run, also after it waited", async () => {
    const work = (name: string): void => trace.getTracer('app').startSpan(name).end()
    const tool = makeTool(async () => {
      work('before')
      await new Promise((resolve) => setImmediate(resolve))
      work('after')
      return 'done'
    })
    await resultOf(tool, {}, { tracing: openTelemetry(), meta: {} })
    const [before, after, own] = sdk.spans()
    expect([before, after, own].map((span) => span?.name)).toEqual(['before', 'after', 'execute_tool f'])
    for (const child of [before, after]) expect(child?.parentSpanContext?.spanId).toBe(own?.spanContext().spanId)
  })

  it('does the same for a generator that is drained', async () => {
    const tool = makeTool(async function* () {
      yield 1
      await new Promise((resolve) => setImmediate(resolve))
      trace.getTracer('app').startSpan('inside').end()
      yield 2
    })
    expect(await resultOf(tool, {}, { tracing: openTelemetry(), meta: {} })).toEqual([1, 2])
    const [inside, own] = sdk.spans()
    expect(inside?.parentSpanContext?.spanId).toBe(own?.spanContext().spanId)
  })
})
