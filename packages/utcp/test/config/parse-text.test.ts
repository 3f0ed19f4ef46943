import { describe, expect, it } from 'vitest'
import { parseText, UtcpClient } from '../../src/index.ts'

describe('a text', () => {
  it.each<[string, string, unknown]>([
    ['JSON', '{"a": [1, null]}', { a: [1, null] }],
    ['JSON with a byte order mark', '\ufeff{"a": 1}', { a: 1 }],
    ['JSON with comments and trailing commas', '// x\n{"a": [1, /* y */ 2,], "b": "//", }', { a: [1, 2], b: '//' }],
    ['YAML', 'a:\n  - 1\n  - b: yes # comment\n', { a: [1, { b: 'yes' }] }],
    ['YAML with anchors', 'a: &x {k: 1}\nb: *x', { a: { k: 1 }, b: { k: 1 } }],
  ])('of %s is read', (_, text, expected) => {
    expect(parseText(text)).toEqual(expected)
  })

  it('says where it is wrong', () => {
    expect(() => parseText('{\n  "a": 1,\n  "b" 2 }')).toThrow('ColonExpected at line 3, column 7')
    expect(() => parseText('{"a": 1', 'json', 'invalid_manual')).toThrow(
      expect.objectContaining({ code: 'invalid_manual' }),
    )
    expect(() => parseText('a: b: c', 'yaml')).toThrow('Not valid YAML')
  })

  it.each([
    '{"__proto__": {"variables": {"a": "b"}}}',
    '{"\\u005f_proto__": {"variables": {"a": "b"}}, }',
    '// x\n{"variables": {"__proto__": {"a": "b"}}}',
    '__proto__:\n  variables:\n    a: b\n',
    'variables:\n  __proto__:\n    a: b\n',
  ])('cannot smuggle members in by a prototype: %j', async (text) => {
    await expect(UtcpClient.create(text)).rejects.toMatchObject({
      code: 'invalid_config',
    })
  })

  it('of YAML that would grow without end is refused', () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) => `l${level + 1}: &l${level + 1} [${`*l${level}, `.repeat(9)}]`,
    )
    expect(() => parseText(['l0: &l0 [x]', ...levels].join('\n'))).toThrow('alias')
  })
})
