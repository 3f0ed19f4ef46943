import { describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { AtpError, ToolError } from '../../src/errors/atp-error.ts'
import type { ToolDefinition } from '../../src/tool/tool.ts'
import { pointSchema } from '../tool/point-schema.ts'
import { errorOf, makeTool, recordingLogger, resultOf, run } from './run-tool.ts'

const cyclic: { self?: unknown } = {}
cyclic.self = cyclic

describe('arguments', () => {
  it.each([null, [], 'text', 5, true])('must be a JSON object, not %j', async (args) => {
    const handler = vi.fn()
    const tool = makeTool(handler)
    expect(await errorOf(tool, args)).toMatchObject({
      code: 'invalid_params',
      message: 'Arguments of tool "f" must be a JSON object',
    })
    expect(handler).not.toHaveBeenCalled()
  })

  it('may be nested 64 levels and not 65, whatever the schema says', async () => {
    const handler = vi.fn()
    expect(await run(makeTool(handler), nested(64))).toMatchObject({ ok: true })
    expect(await errorOf(makeTool(handler), nested(65))).toMatchObject({ code: 'invalid_json' })
    expect(await errorOf(makeTool(handler), cyclic)).toMatchObject({ code: 'invalid_json' })
    expect(handler).toHaveBeenCalledTimes(1)
  })

  it('may have 10,000 members in all and not one more', async () => {
    expect(
      await run(
        makeTool(() => 1),
        { list: Array(9_999).fill(0) },
      ),
    ).toMatchObject({ ok: true })
    expect(
      await errorOf(
        makeTool(() => 1),
        { list: Array(10_000).fill(0) },
      ),
    ).toMatchObject({ code: 'invalid_json' })
  })

  it('are refused in the founding words when required ones are missing, in the order of the tool', async () => {
    const tool = makeTool(() => 1, { params: ['c', 'b', 'a'], requiredParams: ['a', 'c', 'b'] })
    expect(await errorOf(tool, { c: 1 })).toEqual({
      code: 'missing_params',
      message: 'Missing required parameters: a, b',
      retryable: false,
      details: { missing: ['a', 'b'] },
    })
    for (const params of [z.object({ a: z.string(), b: z.string() }), pointLike(['a', 'b'])]) {
      expect((await errorOf(makeTool(() => 1, { params }))).message).toBe('Missing required parameters: a, b')
    }
  })

  it('count as given when they are null, false, empty or zero', async () => {
    const tool = makeTool((args) => args, { params: ['a', 'b', 'c', 'd'], requiredParams: ['a', 'b', 'c', 'd'] })
    const args = { a: null, b: false, c: '', d: 0 }
    expect(await resultOf(tool, args)).toEqual(args)
  })

  it('are told apart from members of Object.prototype', async () => {
    const names = ['constructor', 'toString', 'valueOf']
    const tool = makeTool((args) => args, { params: names, requiredParams: names })
    expect((await errorOf(tool, {})).message).toBe('Missing required parameters: constructor, toString, valueOf')
    const args = { constructor: 1, toString: 2, valueOf: 3 }
    expect(await resultOf(tool, args)).toEqual(args)
    const properties = { constructor: { type: 'string' } }
    expect(
      await resultOf(
        makeTool(() => 'ran', { params: { type: 'object', properties } }),
        {},
      ),
    ).toBe('ran')
  })

  it('reach the handler as the schema made them', async () => {
    const days = z.object({ days: z.coerce.number().default(3) })
    expect(
      await resultOf(
        makeTool((args) => args, { params: days }),
        { extra: 1 },
      ),
    ).toEqual({ days: 3 })
    expect(
      await resultOf(
        makeTool((args) => args, { params: pointSchema() }),
        { x: '1', y: 2 },
      ),
    ).toEqual({ x: 1, y: 2 })
  })

  it('are refused with the path of each problem when their types are wrong', async () => {
    const params = z.object({ city: z.string(), at: z.object({ lat: z.number() }) })
    expect(
      await errorOf(
        makeTool(() => 1, { params }),
        { city: 5, at: { lat: 'x' } },
      ),
    ).toEqual({
      code: 'invalid_params',
      message:
        'Invalid parameters for tool "f": city: Invalid input: expected string, received number; ' +
        'at.lat: Invalid input: expected number, received string',
      retryable: false,
      details: {
        issues: [
          { path: 'city', message: 'Invalid input: expected string, received number' },
          { path: 'at.lat', message: 'Invalid input: expected number, received string' },
        ],
      },
    })
  })

  it('are refused in few words when there are many problems', async () => {
    const params = { type: 'object', properties: { list: { type: 'array', items: { type: 'string' } } } }
    const { message, details } = await errorOf(
      makeTool(() => 1, { params }),
      { list: Array(500).fill(1) },
    )
    expect(message).toMatch(/list\.0: .*; and 495 more$/)
    expect(message.length).toBeLessThan(2_000)
    expect((details as { issues: unknown[] }).issues).toHaveLength(20)
  })

  it('are refused with details even when a schema repeats a huge list in each message', async () => {
    const options = Array.from({ length: 2_000 }, (_, index) => `option number ${index}`)
    const params = { type: 'object', properties: { list: { type: 'array', items: { enum: options } } } }
    const error = await errorOf(
      makeTool(() => 1, { params }),
      { list: Array(50).fill(1) },
    )
    expect(error.message).toHaveLength(2_000)
    expect((error.details as { issues: unknown[] }).issues).toHaveLength(20)
  })

  it('are validated by asynchronous schemas before the handler runs', async () => {
    const handler = vi.fn(() => 'ran')
    const tool = makeTool(handler, { params: pointSchema({ asynchronous: true }) })
    expect(await errorOf(tool, { x: 'no', y: 1 })).toMatchObject({ code: 'invalid_params' })
    expect(handler).not.toHaveBeenCalled()
    expect(await resultOf(tool, { x: 1, y: 1 })).toBe('ran')
  })

  it('end in a masked defect when the schema itself fails', async () => {
    const logger = recordingLogger()
    const params = z.object({
      a: z.string().refine(() => {
        throw new Error('password is hunter2')
      }),
    })
    expect(
      await errorOf(
        makeTool(() => 1, { params }),
        { a: 'x' },
        { logger },
      ),
    ).toEqual({
      code: 'internal_error',
      message: 'Internal error',
      retryable: false,
    })
    expect(logger.lines).toMatchObject([['error', 'tool.defect', { tool: 'f' }]])
    const bare = { ...pointSchema() }
    const throwing = {
      '~standard': {
        ...bare['~standard'],
        validate: () => {
          throw Object.create(null)
        },
      },
    }
    expect(
      await errorOf(
        makeTool(() => 1, { params: throwing as never }),
        { x: 1, y: 1 },
      ),
    ).toMatchObject({ code: 'internal_error' })
  })
})

describe('the token', () => {
  const auth = { provider: 'hubspot', type: 'OAuth2', with: 'access_token' }

  it('is missed in the founding words', async () => {
    for (const authToken of [undefined, '']) {
      expect(
        await errorOf(
          makeTool(() => 1, { auth }),
          {},
          { authToken },
        ),
      ).toEqual({
        code: 'missing_token',
        message: "Function 'f' requires 'auth_token', but none was provided.",
        retryable: false,
        details: { provider: 'hubspot' },
      })
    }
  })

  it('is missed after the parameters', async () => {
    const tool = makeTool(() => 1, { auth, params: ['a'], requiredParams: ['a'] })
    expect(await errorOf(tool, {})).toMatchObject({ code: 'missing_params' })
  })

  it('reaches the handler through the context, and not the arguments, of a tool with a schema', async () => {
    const tool = makeTool((args, { authToken }) => ({ args, authToken }), { auth })
    expect(await resultOf(tool, {}, { authToken: 'secret' })).toEqual({ args: {}, authToken: 'secret' })
  })

  it('is also args.auth_token of a founding tool, and no argument can take its place', async () => {
    const tool = makeTool((args, { authToken }) => ({ args, authToken }), {
      params: ['a', 'auth_token'],
      requiredParams: ['auth_token'],
      authType: 'OAuth2',
    })
    expect(await resultOf(tool, { a: 1, auth_token: 'invented' }, { authToken: 'secret' })).toEqual({
      args: { a: 1, auth_token: 'secret' },
      authToken: 'secret',
    })
    expect(await errorOf(tool, { a: 1, auth_token: 'invented' })).toMatchObject({ code: 'missing_token' })
  })

  it('reaches no tool that declares no auth', async () => {
    const seen = (args: unknown, context: { authToken: string | undefined }): unknown => [
      args,
      context.authToken ?? null,
    ]
    expect(await resultOf(makeTool(seen as never), {}, { authToken: 'secret' })).toEqual([{}, null])
    expect(await resultOf(makeTool(seen as never, { params: ['auth_token'] }), {}, { authToken: 'secret' })).toEqual([
      {},
      null,
    ])
  })

  it('is not written into the object that the caller gave', async () => {
    const args = { a: 1 }
    await run(
      makeTool(() => 1, { params: ['a'], authType: 'OAuth2' }),
      args,
      { authToken: 'secret' },
    )
    expect(args).toEqual({ a: 1 })
  })
})

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

describe('results', () => {
  it.each([
    [null, 'null'],
    [undefined, 'null'],
    [false, 'false'],
    [0, '0'],
    ['', '""'],
    [[], '[]'],
    [{ a: undefined, b: new Date(0) }, '{"b":"1970-01-01T00:00:00.000Z"}'],
    ['é\u2028\ud800', '"é\u2028\\ud800"'],
  ])('of %j travel as %s', async (value, json) => {
    expect(await run(makeTool(() => value))).toEqual({ ok: true, json })
    expect(await run(makeTool(async () => value))).toEqual({ ok: true, json })
  })

  it.each([
    ['a BigInt', 5n, 'Do not know how to serialize a BigInt'],
    ['a cycle', cyclic, 'Converting circular structure to JSON'],
    ['a function', () => 1, 'returned a function, which is not JSON'],
    ['a symbol', Symbol('s'), 'returned a symbol, which is not JSON'],
    ['65 levels', nested(65), 'no peer takes: JSON is nested deeper than 64 levels'],
    ['__proto__', JSON.parse('{"rows": [{"__proto__": {"admin": true}}]}'), 'no peer takes'],
    ['a prototype', { constructor: { prototype: {} } }, 'no peer takes'],
    [
      'something whose toJSON throws',
      {
        toJSON() {
          throw null
        },
      },
      'returned a value that is not JSON: null',
    ],
  ])('that are or hold %s become invalid_result', async (_what, value, text) => {
    const error = await errorOf(makeTool(() => value))
    expect(error).toMatchObject({ code: 'invalid_result', retryable: false })
    expect(error.message).toContain('Tool "f" returned a')
    expect(error.message).toContain(text)
    expect(await errorOf(makeTool(async () => value))).toEqual(error)
  })

  it('of 64 levels pass, brackets in texts not counted', async () => {
    const value = { text: '[{'.repeat(100), quoted: '"\\"[[['.repeat(30), closing: ']}'.repeat(100), deep: nested(63) }
    expect(await resultOf(makeTool(() => value))).toEqual(value)
    const tooDeep = { ...value, deep: nested(64) }
    expect(await errorOf(makeTool(() => tooDeep))).toMatchObject({ code: 'invalid_result' })
  })

  it('may hold the words __proto__ and constructor as values', async () => {
    const value = { key: '__proto__', text: '"__proto__": 1', constructor: { name: 'x' } }
    expect(await resultOf(makeTool(() => value))).toEqual(value)
  })

  it('of a megabyte pass and of one byte more do not, counted as UTF-8', async () => {
    const limit = 1_048_576
    expect(await run(makeTool(() => 'x'.repeat(limit - 2)))).toMatchObject({ ok: true })
    for (const value of ['x'.repeat(limit - 1), 'é'.repeat(limit / 2), 'x'.repeat(2 * limit)]) {
      expect(await errorOf(makeTool(() => value))).toMatchObject({
        code: 'result_too_large',
        message: expect.stringContaining('at most 1048576 are allowed'),
      })
    }
    expect(await run(makeTool(() => 'é'.repeat(limit / 2 - 1)))).toMatchObject({ ok: true })
  })

  it('are converted by a zod output schema and checked by any', async () => {
    const output = z
      .object({ n: z.number() })
      .transform(({ n }) => ({ n, twice: 2 * n }))
      .pipe(z.object({ n: z.number(), twice: z.number() }))
    expect(await resultOf(makeTool(() => ({ n: 2 }), { output }))).toEqual({ n: 2, twice: 4 })
    for (const bad of [z.object({ n: z.string() }), { type: 'object', properties: { n: { type: 'string' } } }]) {
      const error = await errorOf(makeTool(async () => ({ n: 2 }), { output: bad }))
      expect(error).toMatchObject({ code: 'invalid_result' })
      expect(error.message).toMatch(/^Tool "f" returned a value that does not fit its output schema: n: /)
    }
  })

  it('with members that are undefined or dates fit a JSON Schema as their JSON does', async () => {
    const output = { type: 'object', properties: { a: { type: 'string' }, on: { type: 'string' } }, required: ['on'] }
    const tool = makeTool(() => ({ a: undefined, on: new Date(0) }), { output })
    expect(await resultOf(tool)).toEqual({ on: '1970-01-01T00:00:00.000Z' })
    expect(await errorOf(makeTool(() => cyclic, { output }))).toMatchObject({ code: 'invalid_result' })
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

/** An object of exactly that many levels. */
function nested(levels: number): Record<string, unknown> {
  let value: Record<string, unknown> = {}
  for (let level = 1; level < levels; level += 1) value = { value }
  return value
}

function pointLike(required: string[]): Record<string, unknown> {
  return { type: 'object', properties: Object.fromEntries(required.map((name) => [name, {}])), required }
}
