import { describe, expect, it, vi } from 'vitest'
import { Cancellation } from '../../src/dispatch/cancel-signal.ts'
import { ToolError } from '../../src/errors/atp-error.ts'
import { errorOf, makeTool, recordingLogger, resultOf, run } from './run-tool.ts'

describe('an async generator', () => {
  it('yields partial results in order, and its return value is the result', async () => {
    const chunks: unknown[] = []
    const tool = makeTool(async function* () {
      yield 'a'
      yield { b: 1 }
      return { done: true }
    })
    expect(await resultOf(tool, {}, { onChunk: (value) => chunks.push(value) })).toEqual({ done: true })
    expect(chunks).toEqual(['a', { b: 1 }])
  })

  it.each([null, false, 0, ''])('may return %j, which is a result like any other', async (value) => {
    const tool = makeTool(async function* () {
      yield 1
      return value
    })
    expect(await resultOf(tool)).toBe(value)
  })

  it('that returns nothing has the list of its yields as result', async () => {
    const counting = makeTool(async function* () {
      for (let n = 0; n < 3; n += 1) {
        await nextTurn()
        yield n
      }
    })
    expect(await resultOf(counting)).toEqual([0, 1, 2])
    expect(await resultOf(makeTool(async function* () {}))).toEqual([])
  })

  it('may go on changing an object that it yielded', async () => {
    const tool = makeTool(async function* () {
      const state = { n: 0 }
      for (state.n = 1; state.n <= 3; state.n += 1) yield state
    })
    expect(await resultOf(tool)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
  })

  it('that yields undefined tells null', async () => {
    const chunks: unknown[] = []
    const tool = makeTool(async function* () {
      yield undefined
    })
    expect(await resultOf(tool, {}, { onChunk: (value) => chunks.push(value) })).toEqual([null])
    expect(chunks).toEqual([null])
  })

  it('is checked by the output schema as a whole', async () => {
    const output = { type: 'array', items: { type: 'number' }, maxItems: 2 }
    const numbers = (count: number) =>
      async function* () {
        for (let n = 0; n < count; n += 1) yield n
      }
    expect(await resultOf(makeTool(numbers(2), { output }))).toEqual([0, 1])
    expect(await errorOf(makeTool(numbers(3), { output }))).toMatchObject({ code: 'invalid_result' })
  })

  it('may stream more than a result may hold when it returns something small', async () => {
    let streamed = 0
    const tool = makeTool(async function* () {
      for (let n = 0; n < 20; n += 1) yield 'x'.repeat(100_000)
      return 'small'
    })
    expect(await resultOf(tool, {}, { onChunk: (value) => (streamed += String(value).length) })).toBe('small')
    expect(streamed).toBe(2_000_000)
  })

  it('whose yields are too many for a result fails when it returns nothing', async () => {
    const chunks = vi.fn()
    const tool = makeTool(async function* () {
      for (let n = 0; n < 20; n += 1) yield 'x'.repeat(100_000)
    })
    expect(await errorOf(tool, {}, { onChunk: chunks })).toMatchObject({ code: 'result_too_large' })
    expect(chunks).toHaveBeenCalledTimes(20)
  })

  it('that throws fails the call after what it yielded', async () => {
    const chunks = vi.fn()
    const tool = makeTool(async function* () {
      yield 1
      throw new ToolError('No more')
    })
    expect(await errorOf(tool, {}, { onChunk: chunks })).toMatchObject({ code: 'tool_error', message: 'No more' })
    expect(chunks).toHaveBeenCalledTimes(1)
  })

  it.each([
    ['what is not JSON', 1n, 'invalid_result'],
    ['one partial result above the limit', 'x'.repeat(1_100_000), 'result_too_large'],
  ])('that yields %s is stopped, and its finally blocks run', async (_what, value, code) => {
    const cleanUp = vi.fn()
    const ended = vi.fn()
    const tool = makeTool(async function* () {
      try {
        yield value
        yield 'never reached'
      } finally {
        cleanUp()
      }
    })
    expect(await errorOf(tool, {}, { onHandlerEnd: ended })).toMatchObject({ code })
    expect(cleanUp).toHaveBeenCalledTimes(1)
    expect(ended).toHaveBeenCalledTimes(1)
  })

  it('is closed when the call is cancelled: no more chunks, finally blocks run, the slot is free after that', async () => {
    const events: string[] = []
    const signal = new Cancellation()
    const goOn = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<void>()
    const logger = recordingLogger()
    const tool = makeTool(async function* () {
      try {
        yield 'first'
        await goOn.promise
        yield 'second'
        yield 'third'
      } finally {
        events.push('closed')
      }
    })
    const first = Promise.withResolvers<void>()
    const outcome = run(
      tool,
      {},
      {
        signal,
        logger,
        onChunk: (value) => {
          events.push(`chunk ${String(value)}`)
          first.resolve()
        },
        onHandlerEnd: () => {
          events.push('ended')
          ended.resolve()
        },
      },
    )
    await first.promise
    await nextTurn()
    signal.cancel('stop')
    expect(await outcome).toMatchObject({ ok: false, error: { code: 'cancelled' } })
    expect(events).toEqual(['chunk first'])
    goOn.resolve()
    await ended.promise
    expect(events).toEqual(['chunk first', 'closed', 'ended'])
    expect(logger.lines).toMatchObject([['warn', 'tool.late_result_dropped', {}]])
  })

  it('that fails while it is closed does not change the outcome', async () => {
    const tool = makeTool(async function* () {
      try {
        yield 1n
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: this is the bad generator under test
        throw new Error('in finally')
      }
    })
    expect(await errorOf(tool)).toMatchObject({ code: 'invalid_result' })
  })

  it('may be an iterator written by hand that has no return method', async () => {
    let n = 0
    const iterator = {
      next: () => Promise.resolve(n < 2 ? { done: false, value: n++ } : { done: true, value: undefined }),
      [Symbol.asyncIterator]: () => iterator,
    }
    expect(await resultOf(makeTool(() => iterator))).toEqual([0, 1])
    const failing = {
      ...iterator,
      next: () => {
        throw new Error('broken')
      },
      [Symbol.asyncIterator]: () => failing,
    }
    expect(await errorOf(makeTool(() => failing))).toMatchObject({ code: 'tool_error', message: 'broken' })
  })
})

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
