import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Cancellation } from '../../src/dispatch/cancel-signal.ts'
import { defaultTimeoutMs, effectiveTimeoutMs } from '../../src/dispatch/invoke-tool.ts'
import { pointSchema } from '../tool/point-schema.ts'
import { controlled, later, makeTool, recordingLogger, run, start } from './run-tool.ts'

const never = (): Promise<never> => new Promise(() => {})

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

describe('effectiveTimeoutMs', () => {
  it.each([
    [undefined, undefined, 120_000],
    [5_000, undefined, 5_000],
    [300_000, undefined, 300_000],
    [undefined, 5_000, 5_000],
    [undefined, 300_000, 300_000],
    [5_000, 9_000, 5_000],
    [9_000, 5_000, 5_000],
    [undefined, 900_000, 600_000],
    [900_000, 900_000, 600_000],
    [5_000, 0, 0],
  ])('of a tool with %s and a caller with %s is %s', (tool, caller, expected) => {
    expect(effectiveTimeoutMs(tool, caller)).toBe(expected)
  })
})

describe('the deadline', () => {
  it('ends a handler that never returns after two minutes when nobody says otherwise', async () => {
    const call = await start(makeTool(() => new Promise(() => {})))
    await vi.advanceTimersByTimeAsync(defaultTimeoutMs - 1)
    expect(call.outcome()).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    expect(call.outcome()).toEqual({
      ok: false,
      error: { code: 'deadline_exceeded', message: 'Tool "f" did not answer within 120000 ms', retryable: true },
    })
  })

  it('is the shorter of what the tool and the caller allow', async () => {
    for (const [toolMs, callerMs] of [
      [50, 90],
      [90, 50],
    ] as const) {
      const call = await start(
        makeTool(() => new Promise(() => {}), { timeoutMs: toolMs }),
        { timeoutMs: callerMs },
      )
      await vi.advanceTimersByTimeAsync(49)
      expect(call.outcome()).toBeUndefined()
      await vi.advanceTimersByTimeAsync(1)
      expect(call.outcome()).toMatchObject({ ok: false, error: { code: 'deadline_exceeded' } })
    }
  })

  it('is not moved by progress', async () => {
    const tool = makeTool((_args, { progress }) => {
      setInterval(() => progress('still here'), 10)
      return new Promise(() => {})
    })
    const call = await start(tool, { timeoutMs: 100 })
    await vi.advanceTimersByTimeAsync(100)
    expect(call.outcome()).toMatchObject({ error: { code: 'deadline_exceeded' } })
  })

  it('aborts the signal of the handler, with the error as its reason', async () => {
    let signal: AbortSignal | undefined
    const tool = makeTool((_args, context) => {
      signal = context.signal
      return new Promise(() => {})
    })
    await start(tool, { timeoutMs: 100 })
    expect(signal?.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(100)
    expect(signal?.aborted).toBe(true)
    expect(signal?.reason).toMatchObject({ code: 'deadline_exceeded' })
  })

  it('aborts a signal that the handler first reads after it passed', async () => {
    const { handler, resolve } = controlled()
    let late: AbortSignal | undefined
    const tool = makeTool(async (_args, context) => {
      await handler()
      late = context.signal
    })
    await start(tool, { timeoutMs: 100 })
    await vi.advanceTimersByTimeAsync(100)
    resolve(1)
    await vi.advanceTimersByTimeAsync(0)
    expect(late?.aborted).toBe(true)
    expect(late?.reason).toMatchObject({ code: 'deadline_exceeded' })
  })

  it('is what failed when the handler passes on the reason it was aborted with', async () => {
    const asynchronous = makeTool((_args, { signal }) => {
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const call = await start(asynchronous, { timeoutMs: 100 })
    await vi.advanceTimersByTimeAsync(100)
    expect(call.outcome()).toMatchObject({ ok: false, error: { code: 'deadline_exceeded', retryable: true } })
  })

  it('covers validation that does not come back, and the handler is then never run', async () => {
    const handler = vi.fn()
    const ended = vi.fn()
    const params = pointSchema({ jsonSchema: { type: 'object' }, validate: never })
    const tool = makeTool(handler, { params })
    const call = await start(tool, { timeoutMs: 100, onHandlerEnd: ended })
    expect(ended).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(100)
    expect(call.outcome()).toMatchObject({ ok: false, error: { code: 'deadline_exceeded' } })
    expect(ended).toHaveBeenCalledTimes(1)
    expect(handler).not.toHaveBeenCalled()
  })

  it('covers the validation of the result', async () => {
    const output = pointSchema({ validate: never })
    const call = await start(
      makeTool(() => 1, { output }),
      { timeoutMs: 100 },
    )
    await vi.advanceTimersByTimeAsync(100)
    expect(call.outcome()).toMatchObject({ ok: false, error: { code: 'deadline_exceeded' } })
  })

  it('is one for validation and handler together', async () => {
    const params = pointSchema({ jsonSchema: { type: 'object' }, validate: () => later(60, { value: { x: 1, y: 1 } }) })
    const tool = makeTool(() => later(60, 'done'), { params })
    const call = await start(tool, { timeoutMs: 100 })
    await vi.advanceTimersByTimeAsync(99)
    expect(call.outcome()).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    expect(call.outcome()).toMatchObject({ ok: false, error: { code: 'deadline_exceeded' } })
  })

  it('leaves no timer and no listener behind', async () => {
    const controller = new AbortController()
    const removed = vi.spyOn(controller.signal, 'removeEventListener')
    const call = await start(
      makeTool(() => later(10, 'done')),
      { signal: controller.signal },
    )
    expect(vi.getTimerCount()).toBe(2)
    await vi.advanceTimersByTimeAsync(10)
    expect(call.outcome()).toEqual({ ok: true, json: '"done"' })
    expect(vi.getTimerCount()).toBe(0)
    expect(removed).toHaveBeenCalledTimes(1)
  })
})

describe('an abandoned handler', () => {
  it('keeps its slot until it ends, and its late result is dropped and logged', async () => {
    const logger = recordingLogger()
    const ended = vi.fn()
    const chunk = vi.fn()
    const { handler, resolve } = controlled()
    const call = await start(makeTool(handler), { timeoutMs: 100, logger, onHandlerEnd: ended, onChunk: chunk })
    await vi.advanceTimersByTimeAsync(100)
    const outcome = call.outcome()
    expect(outcome).toMatchObject({ ok: false })
    expect(ended).not.toHaveBeenCalled()
    expect(logger.lines).toEqual([])
    resolve('late')
    await vi.advanceTimersByTimeAsync(0)
    expect(ended).toHaveBeenCalledTimes(1)
    expect(logger.lines).toEqual([['warn', 'tool.late_result_dropped', { tool: 'f', callId: 'call-1' }]])
    expect(call.outcome()).toBe(outcome)
  })

  it('may also fail late without harm', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const ended = vi.fn()
    const { handler, reject } = controlled()
    await start(makeTool(handler), { timeoutMs: 100, onHandlerEnd: ended })
    await vi.advanceTimersByTimeAsync(100)
    reject(new Error('too late'))
    await vi.advanceTimersByTimeAsync(0)
    vi.useRealTimers()
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', unhandled)
    expect(ended).toHaveBeenCalledTimes(1)
    expect(unhandled).not.toHaveBeenCalled()
  })

  it('tells nobody of its progress any more', async () => {
    const progress = vi.fn()
    const { handler, resolve } = controlled()
    const tool = makeTool(async (_args, context) => {
      context.progress('early')
      await handler()
      context.progress('late')
    })
    await start(tool, { timeoutMs: 100, onProgress: progress })
    await vi.advanceTimersByTimeAsync(100)
    resolve(1)
    await vi.advanceTimersByTimeAsync(0)
    expect(progress.mock.calls).toEqual([['early']])
  })
})

describe('a fast tool', () => {
  it.each([
    ['returns', () => 1],
    ['is async and awaits nothing', async () => 1],
    ['throws', () => Promise.reject(new Error())],
  ])('that %s pays for neither timer nor abort signal', async (_what, handler) => {
    const controllers = vi.spyOn(globalThis, 'AbortController')
    const timers = vi.spyOn(globalThis, 'setTimeout')
    await run(makeTool(handler), {}, { timeoutMs: 1_000, signal: new Cancellation() })
    expect(controllers).not.toHaveBeenCalled()
    expect(timers).not.toHaveBeenCalled()
  })

  it('that reads its signal gets one controller, however often it looks', async () => {
    const controllers = vi.spyOn(globalThis, 'AbortController')
    const timers = vi.spyOn(globalThis, 'setTimeout')
    const tool = makeTool((_args, context) => [context.signal, context.signal, context.signal].length)
    await run(tool)
    expect(controllers).toHaveBeenCalledTimes(1)
    expect(timers).not.toHaveBeenCalled()
  })

  it('that takes its time gets one timer', async () => {
    const timers = vi.spyOn(globalThis, 'setTimeout')
    const { handler, resolve } = controlled()
    await start(makeTool(handler), { timeoutMs: 1_234 })
    expect(timers.mock.calls.filter(([, ms]) => ms === 1_234)).toHaveLength(1)
    resolve(1)
  })
})
