import { describe, expect, test } from 'vitest'
import { checkTool } from '../../src/providers/check-tool.ts'
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
