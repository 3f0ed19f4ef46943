import { silentLogger } from '@atp/core'
import { describe, expect, it } from 'vitest'
import { type FilterDictOptions, filterDict, limitStrings, UtcpClient } from '../../src/index.ts'
import { describeToolPostProcessor } from '../contracts/index.ts'

describeToolPostProcessor('filter_dict', (scope) => filterDict({ ...scope, exclude_keys: ['a'] }), {
  a: 1,
  b: [{ a: 2, c: 3 }],
})
describeToolPostProcessor('limit_strings', (scope) => limitStrings({ ...scope, limit: 2 }), {
  text: 'long',
  list: ['also long'],
})

const tool = {
  ...{ name: 'm.a', description: '', inputs: {}, outputs: {}, tags: [] },
  tool_call_template: { call_template_type: 'fake' },
}
const manual = { name: 'm', call_template_type: 'fake' }
const caller = { rootDir: undefined, logger: silentLogger }

const filtered = (options: FilterDictOptions, result: unknown): unknown =>
  filterDict(options).postProcess(caller, tool, manual, result)

describe('filter_dict', () => {
  it.each<[string, FilterDictOptions, unknown, unknown]>([
    ['drops keys at every depth', { exclude_keys: ['x'] }, { x: 1, a: { x: 2, b: 3 } }, { a: { b: 3 } }],
    [
      'drops what is left empty inside lists, and only there',
      { exclude_keys: ['x'] },
      { a: [{ x: 1 }, [{ x: 1 }], [], {}, 5, { x: 1, y: 2 }], b: { x: 1 } },
      { a: [5, { y: 2 }], b: {} },
    ],
    ['keeps named keys', { only_include_keys: ['a'] }, { a: 1, b: 2 }, { a: 1 }],
    [
      'keeps another key only with something left in it',
      { only_include_keys: ['a'] },
      { b: { c: { a: 1, d: 2 } }, e: [{ a: 2 }, { f: 3 }], g: [1, 2], h: {} },
      { b: { c: { a: 1 } }, e: [{ a: 2 }] },
    ],
    [
      'filters a kept object again and keeps a kept list whole',
      { only_include_keys: ['a'] },
      { a: { b: 1, a: 2 }, c: { a: [1, { b: 2 }] } },
      { a: { a: 2 }, c: { a: [1, { b: 2 }] } },
    ],
    [
      'drops plain values of lists',
      { only_include_keys: ['a'] },
      [1, 'x', { a: 1 }, [{ a: 2 }, 3]],
      [{ a: 1 }, [{ a: 2 }]],
    ],
    [
      'excludes first, then includes',
      { exclude_keys: ['b'], only_include_keys: ['a', 'b'] },
      { a: { a: 1, b: 2 }, b: 3 },
      { a: { a: 1 } },
    ],
    ['does nothing without keys', { exclude_keys: [], only_include_keys: [] }, { a: [{}] }, { a: [{}] }],
  ])('%s', (_, options, result, expected) => {
    expect(filtered(options, result)).toEqual(expected)
  })

  it('keeps a member called __proto__ as a member', () => {
    const result = JSON.parse('{"__proto__": {"a": 1}, "a": 2, "x": 3}')
    const kept = filtered({ exclude_keys: ['x'] }, result) as object
    expect(JSON.stringify(kept)).toBe('{"__proto__":{"a":1},"a":2}')
    expect(Object.getPrototypeOf(kept)).toBe(Object.prototype)
  })
})

describe('limit_strings', () => {
  const limited = (limit: number | undefined, result: unknown): unknown =>
    limitStrings(limit === undefined ? {} : { limit }).postProcess(caller, tool, manual, result)

  it('cuts texts at every depth, never keys', () => {
    expect(limited(3, { 'a long key': ['abcdef', { b: 'abcd' }], n: 12_345 })).toEqual({
      'a long key': ['abc', { b: 'abc' }],
      n: 12_345,
    })
    expect(limited(3, 'abcdef')).toBe('abc')
  })

  it('cuts at 10,000 characters unless told otherwise, and never through a character', () => {
    expect(limited(undefined, 'x'.repeat(10_001))).toBe('x'.repeat(10_000))
    expect(limited(2, 'a😀b')).toBe('a')
    expect(limited(3, 'a😀b')).toBe('a😀')
  })
})

describe('a configuration with post-processors', () => {
  it.each([
    [{ tool_post_processor_type: 'limit_strings', limit: 0 }, 'post_processing[0].limit'],
    [{ tool_post_processor_type: 'limit_strings', exclude_tools: 'a' }, 'post_processing[0].exclude_tools'],
    [{ tool_post_processor_type: 'filter_dict', only_include_keys: [5] }, 'post_processing[0].only_include_keys[0]'],
    [{ tool_post_processor_type: 'nope' }, 'post_processing[0].tool_post_processor_type'],
    [{}, 'post_processing[0].tool_post_processor_type'],
    [null, 'post_processing[0]'],
  ])('refuses %j and names the member', async (part, path) => {
    await expect(UtcpClient.create({ post_processing: [part as never] })).rejects.toMatchObject({ path })
  })

  it('takes null for absence', async () => {
    const part = { tool_post_processor_type: 'filter_dict', exclude_keys: null, only_include_tools: null }
    await UtcpClient.create({ post_processing: [part] })
  })
})
