import { describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { AtpError, ToolError } from '../../src/errors/atp-error.ts'
import type { ToolDefinition } from '../../src/tool/tool.ts'
import { errorOf, makeTool, recordingLogger, resultOf, run } from './run-tool.ts'

describe('the context', () => {
  it('carries call id, logger, environment and progress, taken apart or not', async () => {
    const logger = recordingLogger()
    const progress: unknown[] = []
    const tool = makeTool((_args, { callId, env, logger, progress }) => {
      logger.info('working')
      progress({ progress: 1, total: 2 })
      return { callId, env }
    })
    const options = {
      callId: 'c-9',
      env: { region: 'eu' },
      logger,
      onProgress: (value: unknown) => progress.push(value),
    }
    expect(await resultOf(tool, {}, options)).toEqual({ callId: 'c-9', env: { region: 'eu' } })
    expect(progress).toEqual([{ progress: 1, total: 2 }])
    expect(logger.lines).toEqual([['info', 'working', undefined]])
  })

  it('needs neither a logger nor a listener for progress', async () => {
    const tool = makeTool((_args, context) => {
      context.logger.error('nobody hears')
      context.progress(1)
      return 'done'
    })
    expect(await resultOf(tool)).toBe('done')
  })
})

describe('errors of handlers', () => {
  const thrown = [
    ['an Error', new Error('No such city'), 'No such city'],
    ['an Error without a message', new RangeError(), 'RangeError'],
    ['a text', 'just a text', 'just a text'],
    ['null', null, 'null'],
    ['undefined', undefined, 'undefined'],
    ['an object with a message', { message: 'plain' }, 'plain'],
    ['an object without a text', Object.create(null), 'The tool failed with a value that has no text'],
    ['an AtpError of ours', new AtpError('busy', 'Another service is busy'), 'Another service is busy'],
  ] as const

  it.each(thrown)('thrown as %s reach the caller as text', async (_what, error, message) => {
    const expected = { code: 'tool_error', message, retryable: false }
    expect(
      await errorOf(
        makeTool(() => {
          throw error
        }),
      ),
    ).toEqual(expected)
    expect(
      await errorOf(
        makeTool(async () => {
          throw error
        }),
      ),
    ).toEqual(expected)
    expect(await errorOf(makeTool(() => Promise.reject(error)))).toEqual(expected)
  })

  it.each(thrown)('thrown as %s are masked where exposeErrors is false', async (_what, error) => {
    expect(
      await errorOf(
        makeTool(async () => {
          throw error
        }),
        {},
        { exposeErrors: false },
      ),
    ).toEqual({
      code: 'tool_error',
      message: 'The tool failed',
      retryable: false,
    })
  })

  it('show neither stack nor cause', async () => {
    const error = new Error('outer', { cause: new Error('inner secret') })
    const wire = JSON.stringify(
      await errorOf(
        makeTool(() => {
          throw error
        }),
      ),
    )
    expect(wire).not.toContain('inner secret')
    expect(wire).not.toContain('.ts')
  })

  it('are cut at 2,000 characters', async () => {
    const { message } = await errorOf(
      makeTool(() => {
        throw new Error('x'.repeat(5_000))
      }),
    )
    expect(message).toBe(`${'x'.repeat(1_999)}…`)
    expect(
      (
        await errorOf(
          makeTool(() => {
            throw new Error('x'.repeat(2_000))
          }),
        )
      ).message,
    ).toBe('x'.repeat(2_000))
  })

  it('pass with details and all when they are a ToolError, even where errors are masked', async () => {
    const error = new ToolError('Quota is used up', { retryable: true, details: { resetsAt: 5 } })
    const expected = { code: 'tool_error', message: 'Quota is used up', retryable: true, details: { resetsAt: 5 } }
    for (const exposeErrors of [true, false]) {
      expect(
        await errorOf(
          makeTool(() => {
            throw error
          }),
          {},
          { exposeErrors },
        ),
      ).toEqual(expected)
    }
  })

  it('are logged by name and id, without their text', async () => {
    const logger = recordingLogger()
    await run(
      makeTool(() => {
        throw new Error('secret in here')
      }),
      { secret: 1 },
      { logger },
    )
    expect(logger.lines).toEqual([['warn', 'tool.failed', { tool: 'f', callId: 'call-1' }]])
  })

  it("are the handler's own when a returned object fails while it is looked at", async () => {
    const ended = vi.fn()
    const trap = {
      // biome-ignore lint/suspicious/noThenProperty: a trap for whoever looks whether this is a promise
      get then(): never {
        throw new Error('trap')
      },
    }
    expect(
      await errorOf(
        makeTool(() => trap),
        {},
        { onHandlerEnd: ended },
      ),
    ).toMatchObject({ code: 'tool_error', message: 'trap' })
    expect(ended).toHaveBeenCalledTimes(1)
  })
})

describe('the end of the handler', () => {
  const strict = { params: z.object({ a: z.string().optional() }) }
  const cases: [what: string, handler: () => unknown, definition?: Partial<ToolDefinition>][] = [
    ['succeeds at once', () => 1],
    ['succeeds later', () => nextTurn()],
    ['throws', fail],
    ['rejects', () => nextTurn().then(fail)],
    ['returns what is not JSON', () => 1n],
    ['is a generator', countToTwo],
    ['is not reached for want of parameters', () => 1, { params: ['b'], requiredParams: ['b'] }],
    ['is not reached for want of a token', () => 1, { authType: 'OAuth2' }],
    ['is not reached for wrong types', () => 1, strict],
  ]
  it.each(cases)('is told exactly once when the handler %s', async (_what, handler, definition) => {
    const ended = vi.fn()
    await run(makeTool(handler, definition), { a: 1 }, { onHandlerEnd: ended })
    expect(ended).toHaveBeenCalledTimes(1)
  })

  it('is told once for a call that was cancelled before it began', async () => {
    const ended = vi.fn()
    const handler = vi.fn()
    expect(await errorOf(makeTool(handler), {}, { signal: AbortSignal.abort(), onHandlerEnd: ended })).toMatchObject({
      code: 'cancelled',
    })
    expect(handler).not.toHaveBeenCalled()
    expect(ended).toHaveBeenCalledTimes(1)
  })
})

function fail(): never {
  throw new Error('failed')
}

async function* countToTwo(): AsyncGenerator<number> {
  yield 1
  yield 2
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
