// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of UTCP are written like this
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fillUrl } from '../../src/request/fill-url.ts'

describe('the parameters of a URL', () => {
  it.each([
    ['https://a.example/{x}', { x: 'a/b?c#d' }, 'https://a.example/a%2Fb%3Fc%23d'],
    ['https://a.example/${x}/y', { x: 'v' }, 'https://a.example/v/y'],
    ['https://a.example/{x}-{y}?q={x}', { x: 1, y: true }, 'https://a.example/1-true?q=1'],
    ['https://a.example/{x}', { x: ['a', 'b'] }, 'https://a.example/a%2Cb'],
    ['https://{x}.a.example/', { x: 'shop' }, 'https://shop.a.example/'],
    ['{url}', { url: 'https://b.example/p?q=1' }, 'https://b.example/p?q=1'],
    ['${url}', { url: 'https://b.example/' }, 'https://b.example/'],
  ])('%s with %j is %s', (template, args, expected) => {
    expect(fillUrl(template, args).url).toBe(expected)
  })

  it.each([{}, { x: null }, { x: undefined }, { x: '' }, { x: [] }])('need a value; %j is none', (args) => {
    const missing = expect.objectContaining({ code: 'invalid_arguments', path: 'x' })
    expect(() => fillUrl('https://a.example/{x}', args)).toThrow(missing)
  })

  it.each([
    ['https://a.example/users/{x}', '..'],
    ['https://a.example/users/{x}/more', '.'],
    ['https://a.example/users/%2e{x}', '.'],
  ])('%s does not take %j, which leads to another path', (template, x) => {
    expect(() => fillUrl(template, { x })).toThrow(/cannot be path parameters/)
  })

  it('keep any argument within its segment, and the request at its origin', () => {
    const text = fc.oneof(
      fc.string({ minLength: 1, unit: 'binary' }),
      fc.constant('half \ud83d'),
      fc.constantFrom('..', '.', '../..', '//b.example', '@b'),
    )
    fc.assert(
      fc.property(text, (x) => {
        let filled: string
        try {
          filled = fillUrl('https://a.example/one/{x}/two?q={x}', { x }).url
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_arguments' })
          expect(['.', '..']).toContain(x)
          return
        }
        const url = new URL(filled)
        expect(url.origin).toBe('https://a.example')
        expect(url.pathname.split('/')).toHaveLength(4)
        expect(url.pathname).toMatch(/^\/one\/.*\/two$/)
        expect([...url.searchParams]).toEqual([['q', x.toWellFormed()]])
      }),
      { numRuns: 1_000 },
    )
  })

  it.each([
    ['https://a.example/{x}', false, false],
    ['https://a.example?x={x}#{x}', false, false],
    ['https://{x}.shops.example/', true, false],
    ['https://a.example:{x}/', true, false],
    ['https://{x}/', true, true],
    ['https://{x}.example/', true, true],
    ['https://{x}:8443/', true, true],
    ['https:{x}/', true, true],
    ['https:///{x}/', true, true],
    ['https:\\\\{x}/', true, true],
    ['https://a.example@{x}/', true, true],
    ['{x}://a.example/', true, true],
    ['//{x}/', true, true],
  ])('tell of %s whether they choose where to go: %j, and anywhere: %j', (template, hasArgumentHost, hasAnyHost) => {
    expect(fillUrl(template, { x: 'v' })).toMatchObject({ hasArgumentHost, hasAnyHost })
  })
})
