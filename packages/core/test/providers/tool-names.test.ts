import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { namePattern } from '../../src/protocol/names.ts'
import { providerToolNames } from '../../src/providers/tool-names.ts'

describe('providerToolNames', () => {
  test('keeps names that every provider takes', () => {
    const names = ['a', 'read_file', 'x'.repeat(64), 'A-1']
    expect([...providerToolNames(names)]).toEqual(names.map((name) => [name, name]))
  })

  test('cuts a long name, keeps its beginning readable, and keeps two with one beginning apart', () => {
    const [first, second] = [`${'search_'.repeat(12)}a`, `${'search_'.repeat(12)}b`]
    const names = providerToolNames([first, second])
    expect(names.get(first)).toMatch(/^(search_){7}searc.*_[0-9a-f]{8}$/)
    expect(names.get(first)).not.toBe(names.get(second))
  })

  test('gives a name of its own to what has no usable character, and to nothing', () => {
    const names = providerToolNames(['', '日本'])
    for (const name of names.values()) expect(name).toMatch(/^(tool|_)_[0-9a-f]{8}$/)
  })

  test('never gives a tool the name of another that was already fine', () => {
    const short = providerToolNames(['my tool']).get('my tool') as string
    const names = providerToolNames(['my tool', short])
    expect(names.get(short)).toBe(short)
    expect(names.get('my tool')).not.toBe(short)
  })

  test('is valid, free of collisions and the same in any order, whatever the names', () => {
    const name = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('a b', 'a.b', 'a/b', 'ok'))
    fc.assert(
      fc.property(fc.uniqueArray(name), (names) => {
        const given = providerToolNames(names)
        expect(given.size).toBe(names.length)
        expect(new Set(given.values()).size).toBe(names.length)
        for (const short of given.values()) expect(short).toMatch(namePattern)
        const reversed = providerToolNames([...names].reverse())
        for (const each of names) expect(reversed.get(each)).toBe(given.get(each))
      }),
    )
  })
})
