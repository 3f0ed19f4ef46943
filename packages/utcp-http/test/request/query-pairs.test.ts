import { describe, expect, it } from 'vitest'
import { queryPairs, withQuery } from '../../src/request/query-pairs.ts'

describe('the styles of a query', () => {
  const lists = [1, { x: true }, null, 'a']
  it.each([
    [
      'repeat',
      [
        ['l', '1'],
        ['l', '{"x":true}'],
        ['l', 'a'],
      ],
    ],
    [
      'brackets',
      [
        ['l[]', '1'],
        ['l[]', '{"x":true}'],
        ['l[]', 'a'],
      ],
    ],
    ['comma', [['l', '1,{"x":true},a']]],
    ['json', [['l', '[1,{"x":true},null,"a"]']]],
  ] as const)('write lists by %s', (style, expected) => {
    expect(queryPairs('l', lists, { lists: style })).toEqual(expected)
  })

  it('write objects by brackets, at every depth', () => {
    const value = { a: 1, b: { c: [1, 2] }, n: null }
    const pairs = queryPairs('o', value, { objects: 'brackets', lists: 'brackets' })
    expect(pairs).toEqual([
      ['o[a]', '1'],
      ['o[b][c][]', '1'],
      ['o[b][c][]', '2'],
    ])
  })
})

describe('a URL with a query', () => {
  it.each([
    ['https://a.example', 'https://a.example?k=v'],
    ['https://a.example/?', 'https://a.example/?k=v'],
    ['https://a.example/?a=1&', 'https://a.example/?a=1&k=v'],
    ['https://a.example/#h?x', 'https://a.example/?k=v'],
  ])('is %s and more', (url, expected) => {
    expect(withQuery(url, [['k', 'v']])).toBe(expected)
  })
})
