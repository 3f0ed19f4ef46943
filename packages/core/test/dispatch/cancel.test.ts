import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Cancellation } from '../../src/dispatch/cancel-signal.ts'
import type { ToolContext } from '../../src/tool/tool.ts'
import { pointSchema } from '../tool/point-schema.ts'
import { controlled, later, makeTool, start } from './run-tool.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

describe('a cancel', () => {
  const ways: [string, () => { signal: AbortSignal | Cancellation; cancel(reason?: unknown): void }][] = [
    ['an AbortSignal', () => abortable()],
    ['a Cancellation', () => cancellable()],
  ]

  it.each(ways)('by %s ends the call at once and reaches the handler', async (_what, make) => {
    const { signal, cancel } = make()
    let seen: AbortSignal | undefined
    const ended = vi.fn()
    const tool = makeTool((_args, context: ToolContext) => {
      seen = context.signal
      return new Promise(() => {})
    })
    const call = await start(tool, { signal, onHandlerEnd: ended })
    cancel('user left')
    expect(seen?.aborted).toBe(true)
    await vi.advanceTimersByTimeAsync(0)
    expect(call.outcome()).toEqual({
      ok: false,
      error: { code: 'cancelled', message: 'The call was cancelled by its caller: user left', retryable: false },
    })
    expect(ended).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each(ways)('by %s before the first look at the signal is seen there', async (_what, make) => {
    const { signal, cancel } = make()
    const tool = makeTool(async (_args, context) => {
      cancel()
      context.signal.throwIfAborted()
    })
    const call = await start(tool, { signal })
    expect(call.outcome()).toMatchObject({ ok: false, error: { code: 'cancelled' } })
  })

  it('comes too late for a handler that is done', async () => {
    const { signal, cancel } = abortable()
    const call = await start(
      makeTool(() => 'done'),
      { signal },
    )
    cancel()
    expect(call.outcome()).toEqual({ ok: true, json: '"done"' })
  })

  it('during asynchronous validation keeps the handler from running', async () => {
    const { signal, cancel } = abortable()
    const handler = vi.fn()
    const params = pointSchema({ jsonSchema: { type: 'object' }, validate: () => later(10, { value: { x: 1, y: 1 } }) })
    const call = await start(makeTool(handler, { params }), { signal })
    cancel()
    await vi.advanceTimersByTimeAsync(10)
    expect(call.outcome()).toMatchObject({ ok: false, error: { code: 'cancelled' } })
    expect(handler).not.toHaveBeenCalled()
  })

  it('after the deadline is not what a handler reads that looks at its signal late', async () => {
    const { signal, cancel } = abortable()
    const { handler, resolve } = controlled()
    let late: AbortSignal | undefined
    const tool = makeTool(async (_args, context) => {
      await handler()
      late = context.signal
    })
    await start(tool, { signal, timeoutMs: 100 })
    await vi.advanceTimersByTimeAsync(100)
    cancel()
    resolve(1)
    await vi.advanceTimersByTimeAsync(0)
    expect(late?.reason).toMatchObject({ code: 'deadline_exceeded' })
  })

  it('and deadline leave the first of them standing', async () => {
    const { signal, cancel } = abortable()
    let seen: AbortSignal | undefined
    const tool = makeTool((_args, context) => {
      seen = context.signal
      return new Promise(() => {})
    })
    const call = await start(tool, { signal, timeoutMs: 100 })
    await vi.advanceTimersByTimeAsync(100)
    cancel()
    expect(seen?.reason).toMatchObject({ code: 'deadline_exceeded' })
    expect(call.outcome()).toMatchObject({ error: { code: 'deadline_exceeded' } })
  })
})

function abortable(): { signal: AbortSignal; cancel(reason?: unknown): void } {
  const controller = new AbortController()
  return { signal: controller.signal, cancel: (reason) => controller.abort(reason) }
}

function cancellable(): { signal: Cancellation; cancel(reason?: unknown): void } {
  const signal = new Cancellation()
  return { signal, cancel: (reason) => signal.cancel(reason) }
}
