import { describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { pointSchema } from '../tool/point-schema.ts'
import { errorOf, makeTool, nested, recordingLogger, resultOf, run } from './run-tool.ts'

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

function pointLike(required: string[]): Record<string, unknown> {
  return { type: 'object', properties: Object.fromEntries(required.map((name) => [name, {}])), required }
}
