import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { compileSchema, isStandardSchema } from '../../src/tool/json-schema.ts'
import type { Validation } from '../../src/tool/tool.ts'
import { pointSchema } from './point-schema.ts'

async function check(schema: unknown, value: unknown, io: 'input' | 'output' = 'input'): Promise<Validation> {
  return await compileSchema(schema, io, 'Schema').validate(value)
}

const place = {
  type: 'object',
  properties: { city: { type: 'string' }, at: { type: 'object', properties: { lat: { type: 'number' } } } },
  required: ['city'],
}

describe('a raw JSON Schema', () => {
  it('passes a value that fits on as it is', async () => {
    const value = { city: 'Oslo', other: [1] }
    const validation = await check(place, value)
    expect(validation).toEqual({ ok: true, value })
    expect((validation as { value: unknown }).value).toBe(value)
  })

  it('names the path of each inner problem, not of the objects around it', async () => {
    expect(await check(place, { city: 5, at: { lat: 'north' } })).toEqual({
      ok: false,
      issues: [
        { path: 'city', message: 'Instance type "number" is invalid. Expected "string".' },
        { path: 'at.lat', message: 'Instance type "string" is invalid. Expected "number".' },
      ],
    })
  })

  it('follows references inside the schema', async () => {
    const tree = {
      type: 'object',
      properties: { next: { $ref: '#' }, n: { $ref: '#/$defs/n' } },
      $defs: { n: { type: 'integer' } },
    }
    expect(await check(tree, { n: 1, next: { n: 2, next: {} } })).toMatchObject({ ok: true })
    expect(await check(tree, { next: { next: { n: 'x' } } })).toMatchObject({
      ok: false,
      issues: [{ path: 'next.next.n' }],
    })
  })

  it('reads draft 7 where the schema says so', async () => {
    const pair = { type: 'array', items: [{ type: 'string' }, { type: 'number' }], additionalItems: false }
    const schema = { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object', properties: { pair } }
    expect(await check(schema, { pair: ['a', 1] })).toMatchObject({ ok: true })
    expect(await check(schema, { pair: ['a', 'b'] })).toMatchObject({ ok: false })
  })

  it('treats members called like those of Object.prototype as any other', async () => {
    const schema = { type: 'object', properties: { constructor: { type: 'string' }, valueOf: { type: 'number' } } }
    expect(await check(schema, {})).toEqual({ ok: true, value: {} })
    expect(await check(schema, { constructor: 5 })).toMatchObject({ ok: false, issues: [{ path: 'constructor' }] })
  })

  it('refuses what JSON does not have instead of failing', async () => {
    expect(await check(place, { city: undefined })).toMatchObject({ ok: false })
    expect(await check(place, { city: 5n })).toMatchObject({ ok: false })
  })

  it('checks a result as its reader sees it: undefined members are absent and dates are texts', async () => {
    const schema = {
      type: 'object',
      properties: { at: { type: 'string' }, note: { type: 'string' } },
      required: ['at'],
    }
    const at = new Date(0)
    expect(await check(schema, { at, note: undefined }, 'output')).toEqual({
      ok: true,
      value: { at: '1970-01-01T00:00:00.000Z' },
    })
    expect(await check({ type: 'null' }, undefined, 'output')).toEqual({ ok: true, value: null })
  })
})

describe('a Standard Schema', () => {
  it('hands on what the library made of the value', async () => {
    expect(await check(pointSchema(), { x: '1', y: 2, z: 3 })).toEqual({ ok: true, value: { x: 1, y: 2 } })
  })

  it("reports the library's issues with their paths as text", async () => {
    expect(await check(pointSchema(), { x: 'one', y: 2 })).toEqual({
      ok: false,
      issues: [{ path: 'x', message: 'must be a number' }],
    })
    const nested = z.object({ list: z.array(z.object({ n: z.number() })) })
    expect(await check(nested, { list: [{ n: 1 }, { n: 'x' }] })).toMatchObject({ issues: [{ path: 'list.1.n' }] })
  })

  it('waits for asynchronous validation', async () => {
    expect(await check(pointSchema({ asynchronous: true }), { x: 1, y: 1 })).toMatchObject({ ok: true })
    const taken = z.object({ name: z.string().refine(async (name) => name !== 'taken', 'is taken') })
    expect(await check(taken, { name: 'taken' })).toEqual({
      ok: false,
      issues: [{ path: 'name', message: 'is taken' }],
    })
  })

  it('waits for thenables that are no promises of this realm', async () => {
    const schema = pointSchema()
    const { validate } = schema['~standard']
    const later = { '~standard': { ...schema['~standard'], validate: (value: unknown) => thenable(validate(value)) } }
    expect(await check(later, { x: 'no', y: 0 })).toMatchObject({ ok: false, issues: [{ path: 'x' }] })
  })

  it('is recognised when the library makes its schemas functions', () => {
    expect(isStandardSchema(Object.assign(() => {}, pointSchema()))).toBe(true)
    for (const other of [null, undefined, 'x', {}, { '~standard': null }, { '~standard': {} }, place]) {
      expect(isStandardSchema(other)).toBe(false)
    }
  })
})

function thenable<T>(value: T): Promise<T> {
  // biome-ignore lint/suspicious/noThenProperty: this is what another library's promise looks like
  return { then: (resolve: (value: T) => void) => resolve(value) } as unknown as Promise<T>
}
