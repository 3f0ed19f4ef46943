import { describe, expect, test } from 'vitest'
import { anthropicFormat } from '../../src/providers/anthropic.ts'
import { openaiFormat } from '../../src/providers/openai.ts'
import { providerFormat } from '../../src/providers/provider-by-name.ts'
import { describedTool } from './fixtures.ts'

const names = (tools: readonly Record<string, unknown>[]): unknown[] => tools.map((tool) => tool.name)

describe("tools in a provider's form", () => {
  test.each([
    ['root_not_object', { type: 'string' }],
    ['root_not_object', { type: ['array', 'null'] }],
    ['unsatisfiable', { type: 'object', required: ['a'], properties: { a: false } }],
    ['unsatisfiable', { type: 'object', enum: [] }],
    [
      'unsatisfiable',
      { type: 'object', properties: { a: { type: 'array', minItems: 2, maxItems: 1 } }, required: ['a'] },
    ],
    [
      'unsatisfiable',
      { type: 'object', properties: { a: { type: 'array', prefixItems: [false], minItems: 1 } }, required: ['a'] },
    ],
    [
      'unsatisfiable',
      {
        $ref: '#/$defs/a',
        $defs: { a: { type: 'object', properties: { a: { $ref: '#/$defs/a' } }, required: ['a'] } },
      },
    ],
    [
      'unsatisfiable',
      { type: 'object', properties: JSON.parse('{"__proto__": {"type": "string"}}'), required: ['__proto__'] },
    ],
    ['bad_reference', { type: 'object', properties: { a: { $ref: '#/$defs/nowhere' } } }],
    ['bad_reference', { type: 'object', properties: { a: { $ref: 'https://example.com/schema.json' } } }],
    [
      'too_many_references',
      {
        type: 'object',
        properties: Object.fromEntries(
          Array.from({ length: 1_100 }, (_, at) => [`p${at}`, { $ref: `#/$defs/d${at}` }]),
        ),
        $defs: Object.fromEntries(Array.from({ length: 1_100 }, (_, at) => [`d${at}`, {}])),
      },
    ],
  ])('are left out with the reason %s, and the others stay', (code, inputSchema) => {
    for (const provider of ['openai', 'openai-strict', 'anthropic', 'mistralai']) {
      const { tools, warnings } = providerFormat(provider).toTools([
        describedTool('bad', { inputSchema }),
        describedTool('good'),
      ])
      expect(tools).toHaveLength(1)
      expect(warnings).toEqual([{ tool: 'bad', provider, code, message: expect.stringMatching(/^Left out: ./) }])
    }
  })

  test('keep the first of two tools with one name', () => {
    const { tools, warnings } = openaiFormat.toTools([describedTool('a'), describedTool('b'), describedTool('a')])
    expect(names(tools)).toEqual(['a', 'b'])
    expect(warnings).toEqual([
      { tool: 'a', provider: 'openai', code: 'duplicate_name', message: 'Left out: another tool has the same name' },
    ])
  })

  test('are no more than the provider takes: the first ones stay', () => {
    const all = Array.from({ length: 130 }, (_, at) => describedTool(`t${at}`))
    const { tools, warnings } = openaiFormat.toTools(all)
    expect(names(tools)).toEqual(all.slice(0, 128).map(({ name }) => name))
    expect(warnings.map(({ tool, code }) => [tool, code])).toEqual([
      ['t128', 'too_many_tools'],
      ['t129', 'too_many_tools'],
    ])
    expect(anthropicFormat.toTools(all).warnings).toEqual([])
  })

  test('lose nothing by a shorter name, so nobody is warned of it', () => {
    const { tools, warnings, originalNames } = openaiFormat.toTools([
      describedTool('Größe messen'),
      describedTool('ok'),
    ])
    const [renamed, kept] = names(tools)
    expect(kept).toBe('ok')
    expect([...originalNames]).toEqual([[renamed, 'Größe messen']])
    expect(warnings).toEqual([])
  })

  test('keep their order and their text, whatever happens to others: prompt caches go by it', () => {
    const [first, bad, last] = [
      describedTool('z'),
      describedTool('m', { inputSchema: { type: 'null' } }),
      describedTool('a'),
    ]
    const { tools } = openaiFormat.toTools([first, bad, last])
    expect(names(tools)).toEqual(['z', 'a'])
    expect(JSON.stringify(openaiFormat.toTools([first, last]).tools)).toBe(JSON.stringify(tools))
    expect(JSON.stringify(openaiFormat.toTools(structuredClone([first, last])).tools)).toBe(JSON.stringify(tools))
  })

  test('never change the tools they are made from', () => {
    const tool = describedTool('t', {
      inputSchema: { $ref: '#/$defs/a', $defs: { a: { type: 'object', properties: { b: { type: 'array' } } } } },
    })
    const before = JSON.stringify(tool)
    for (const provider of ['openai', 'openai-strict', 'anthropic']) {
      const { readArguments } = providerFormat(provider).toTools([tool])
      readArguments('t', { b: null })
    }
    expect(JSON.stringify(tool)).toBe(before)
  })

  test('say in the parameters what a description has no room for', () => {
    const description = `${'word '.repeat(300)}end`
    const [tool] = openaiFormat.toTools([describedTool('t', { description })]).tools
    expect(tool?.description.length).toBeLessThanOrEqual(1_024)
    const head = (tool?.description ?? '').replace(' (goes on in the description of the parameters)', '')
    expect(`${head}${String(tool?.parameters.description).slice(1)}`).toBe(description)
    expect(anthropicFormat.toTools([describedTool('t', { description })]).tools[0]?.description).toBe(description)
  })

  test('never cut a character of a long description in half', () => {
    const [tool] = openaiFormat.toTools([describedTool('t', { description: '🙂'.repeat(1_000) })]).tools
    expect(tool?.description.isWellFormed()).toBe(true)
  })

  test('warn once of each kind of loss, with the first places', () => {
    const tree = { type: 'object', properties: { children: { type: 'array', items: { $ref: '#/$defs/tree' } } } }
    const inputSchema = { type: 'object', properties: { a: { $ref: '#/$defs/tree' } }, $defs: { tree } }
    expect(openaiFormat.toTools([describedTool('t', { inputSchema })]).warnings).toEqual([
      { tool: 't', provider: 'openai', code: 'recursion_cut', message: expect.stringContaining('at /$defs/tree') },
    ])
  })
})
