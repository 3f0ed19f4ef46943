import { describe, expect, test } from 'vitest'
import { checkTool, checkTools } from '../../src/providers/check-tool.ts'
import { changeCodes } from '../../src/providers/lowering/lowering-context.ts'
import { describedTool } from './fixtures.ts'

describe('checkTool', () => {
  test('has nothing to say of a tool that goes out as it is', () => {
    for (const provider of ['openai', 'OpenAI-Chat', 'anthropic', 'mistral']) {
      expect(checkTool(describedTool('search'), provider)).toEqual({ changes: [] })
    }
  })

  test('tells each change: its code, where, what and why, and whether it loses something', () => {
    const inputSchema = { type: 'object', properties: { 'a b': { type: 'string' } } }
    expect(checkTool(describedTool('mein tool', { inputSchema }), 'anthropic').changes).toEqual([
      {
        code: 'name_shortened',
        path: '',
        what: expect.stringMatching(/^named "mein_tool_[0-9a-f]{8}"$/),
        why: 'providers take 1 to 64 of a-z A-Z 0-9 _ -',
        loses: false,
      },
      {
        code: 'property_renamed',
        path: '/properties/a b',
        what: expect.stringMatching(/^property "a b" renamed to "a_b_[0-9a-f]{8}"$/),
        why: 'anthropic takes names of 1 to 64 of a-z A-Z 0-9 _ . -',
        loses: false,
      },
    ])
  })

  test('tells why a tool is left out', () => {
    expect(checkTool(describedTool('t', { inputSchema: { type: 'array' } }), 'openai')).toEqual({
      changes: [],
      refusal: { code: 'root_not_object', message: 'its input schema does not describe an object' },
    })
  })

  test('refuses a provider it does not know', () => {
    expect(() => checkTool(describedTool('t'), 'gemini')).toThrow(expect.objectContaining({ code: 'unknown_provider' }))
  })

  test('reports the same change at the same place once', () => {
    const inputSchema = {
      type: 'object',
      properties: { a: { $ref: '#/$defs/x' }, b: { $ref: '#/$defs/x' } },
      $defs: { x: { type: 'string', not: { const: 'y' } } },
    }
    const moved = checkTool(describedTool('t', { inputSchema }), 'openai').changes.filter(
      ({ code }) => code === 'keyword_moved',
    )
    expect(moved.map(({ path }) => path)).toEqual(['/$defs/x'])
  })

  test('knows of every code whether it loses something', () => {
    for (const loses of Object.values(changeCodes)) expect(typeof loses).toBe('boolean')
  })
})

describe('checkTools', () => {
  test('tells of each tool what checkTool tells, and which are left out because of the others', () => {
    const large = { type: 'object', properties: { 'a b': { type: 'string' } } }
    const tools = [
      describedTool('first', { inputSchema: large }),
      describedTool('bad', { inputSchema: { type: 'array' } }),
      describedTool('first'),
      ...Array.from({ length: 130 }, (_, at) => describedTool(`t${at}`)),
    ]
    const checks = checkTools(tools, 'openai')
    expect(checks).toHaveLength(tools.length)
    expect(checks.slice(0, 2)).toEqual(tools.slice(0, 2).map((tool) => checkTool(tool, 'openai')))
    expect(checks[2]).toEqual({
      changes: [],
      refusal: { code: 'duplicate_name', message: 'another tool has the same name' },
    })
    const refused = checks.flatMap(({ refusal }, at) => (refusal?.code === 'too_many_tools' ? [tools[at]?.name] : []))
    expect(refused).toEqual(['t127', 't128', 't129'])
  })

  test('tells of tools whose schemas are too large only together', () => {
    // One tool may be of 8,192 parts, all together of 131,072.
    const parts = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`p${at}`, {}]))
    const tools = Array.from({ length: 200 }, (_, at) =>
      describedTool(`t${at}`, { inputSchema: { type: 'object', properties: parts } }),
    )
    expect(checkTool(tools[199] as (typeof tools)[number], 'anthropic').refusal).toBeUndefined()
    const codes = checkTools(tools, 'anthropic').map(({ refusal }) => refusal?.code)
    expect(codes[0]).toBeUndefined()
    expect(codes[199]).toBe('schema_too_large')
  })
})
