import { describe, expect, it } from 'vitest'
import { readForm, toFormArguments } from '../../src/http/form-arguments.ts'

const schema = {
  type: 'object',
  properties: {
    text: { type: 'string' },
    count: { type: 'integer' },
    price: { type: ['number', 'null'] },
    open: { type: 'boolean' },
    tags: { type: 'array', items: { type: 'string' } },
    sizes: { type: 'array', items: { type: 'number' } },
    either: { type: ['string', 'number'] },
    maybe: { anyOf: [{ type: 'number' }, { type: 'null' }] },
    maybeList: { oneOf: [{ type: 'array', items: { $ref: '#/$defs/size' } }, { type: 'null' }] },
    loop: { $ref: '#/properties/loop' },
  },
  $defs: { size: { type: 'integer' } },
}
const convert = (text: string): Record<string, unknown> => toFormArguments(new URLSearchParams(text), schema)

describe('arguments from a form', () => {
  it.each<[string, unknown]>([
    ['count=5', { count: 5 }],
    ['count=-5', { count: -5 }],
    ['price=1.5e3', { price: 1500 }],
    ['open=true', { open: true }],
    ['open=false', { open: false }],
    ['text=5', { text: '5' }],
    ['either=5', { either: '5' }],
    ['tags=a', { tags: ['a'] }],
    ['tags=a&tags=b', { tags: ['a', 'b'] }],
    ['sizes=1&sizes=2', { sizes: [1, 2] }],
    ['unknown=5', { unknown: '5' }],
    ['maybe=5', { maybe: 5 }],
    ['maybeList=5', { maybeList: [5] }],
    ['maybeList=5&maybeList=6', { maybeList: [5, 6] }],
    ['loop=5', { loop: '5' }],
    ['text=a&text=b', { text: ['a', 'b'] }],
    ['toString=1&constructor=2', { toString: '1', constructor: '2' }],
  ])('%s becomes what the schema asks for', (text, expected) => {
    expect(convert(text)).toEqual(expected)
  })

  it.each([
    'count=five',
    'count=',
    'count=0x10',
    'count= 5',
    'open=1',
    'open=yes',
    'price=Infinity',
    'price=1,5',
    'price=1e999',
  ])('leaves %s a text, for the schema to refuse', (text) => {
    const [value] = Object.values(convert(text))
    expect(value).toBeTypeOf('string')
  })

  it('keeps a field called __proto__ an own member, where it is refused later', () => {
    expect(Object.hasOwn(convert('__proto__=1'), '__proto__')).toBe(true)
    expect(({} as Record<string, unknown>)['0']).toBeUndefined()
  })

  it('takes lists that a parser of the app made', () => {
    expect(toFormArguments([['sizes', ['1', '2']]], schema)).toEqual({ sizes: [1, 2] })
  })

  it('refuses a file', async () => {
    const form = new FormData()
    form.set('text', new Blob(['x']), 'x.txt')
    const request = new Request('http://x', { method: 'POST', body: form })
    const bytes = new Uint8Array(await request.clone().arrayBuffer())
    await expect(readForm(bytes, request.headers.get('content-type') ?? '')).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('"text"'),
    })
  })

  it('calls a form that cannot be read what it is', async () => {
    await expect(readForm(new TextEncoder().encode('nonsense'), 'multipart/form-data')).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })
})
