import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { errorOf, makeTool, nested, resultOf, run } from './run-tool.ts'

const cyclic: { self?: unknown } = {}
cyclic.self = cyclic

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
    for (const tooDeep of [
      { ...value, deep: nested(64) },
      { closing: '}"\\'.repeat(100), deep: nested(64) },
    ]) {
      expect(await errorOf(makeTool(() => tooDeep))).toMatchObject({ code: 'invalid_result' })
    }
  })

  it('are judged by what their toJSON says, not by what is behind it', async () => {
    const node: { id: number; parent?: unknown; toJSON(): unknown } = {
      id: 1,
      toJSON: () => ({ id: 1, text: 'x'.repeat(200) }),
    }
    node.parent = node
    expect(await resultOf(makeTool(() => ({ node })))).toEqual({ node: { id: 1, text: 'x'.repeat(200) } })
    const hidden = { toJSON: () => nested(65) }
    expect(await errorOf(makeTool(() => hidden))).toMatchObject({ code: 'invalid_result' })
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
