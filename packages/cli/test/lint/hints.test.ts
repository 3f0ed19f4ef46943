import { describe, expect, it } from 'vitest'
import { hintsOfTool } from '../../src/lint/hints.ts'

function paths(properties: Record<string, unknown>, more: Record<string, unknown> = {}, description = 'D'): string[] {
  const inputSchema = { type: 'object', properties, ...more }
  return hintsOfTool({ name: 't', description, inputSchema }).map(({ path }) => path)
}

describe('hints at a tool', () => {
  it('name it, and each parameter, where there is no description or an empty one', () => {
    expect(
      paths({ a: { type: 'string' }, b: { description: ' ' }, c: { description: 'C' }, d: true }, {}, ' '),
    ).toEqual(['', '/properties/a', '/properties/b', '/properties/d'])
    expect(paths({ 'a/b~c': {} })).toEqual(['/properties/a~1b~0c'])
  })

  it('take the description of what a parameter refers to, or is composed of', () => {
    const $defs = {
      'day/time': { description: 'A day' },
      alias: { $ref: '#/$defs/day~1time' },
      bare: { type: 'string' },
    }
    const properties = {
      a: { $ref: '#/$defs/alias' },
      b: { allOf: [{ $ref: '#/$defs/bare' }, { $ref: '#/$defs/day~1time' }] },
      c: { $ref: '#/$defs/bare' },
      d: { $ref: '#/$defs/none' },
      e: { $ref: 'https://example.com/schema.json' },
    }
    expect(paths(properties, { $defs })).toEqual(['/properties/c', '/properties/d', '/properties/e'])
  })

  it('end where references go in a circle', () => {
    const many = Array.from({ length: 500 }, () => ({ $ref: '#/$defs/b' }))
    const $defs = { a: { allOf: many }, b: { $ref: '#/$defs/a' } }
    expect(paths({ x: { $ref: '#/$defs/a' } }, { $defs })).toEqual(['/properties/x'])
  })

  it('are none for a tool without parameters', () => {
    expect(hintsOfTool({ name: 't', description: 'D', inputSchema: {} })).toEqual([])
    expect(hintsOfTool({ name: 't', description: 'D', inputSchema: { properties: null } })).toEqual([])
  })
})
