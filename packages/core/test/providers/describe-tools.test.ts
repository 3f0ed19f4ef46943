import { describe, expect, test } from 'vitest'
import { describeTools } from '../../src/providers/describe-tools.ts'
import { describedTool } from './fixtures.ts'

const write = (tool: { name: string }): { name: string } => ({ name: tool.name })

describe('describeTools', () => {
  test.each([
    { type: 'string' },
    { properties: {} },
    { type: ['object', 'null'] },
    { type: 'object', anyOf: [{ required: ['a'] }] },
    { type: 'object', oneOf: [] },
    { type: 'object', allOf: [{ $ref: '#/$defs/a' }] },
    { type: 'object', enum: [{}] },
    { type: 'object', not: {} },
    { type: 'object', $ref: '#/$defs/a', $defs: { a: { type: 'object' } } },
    { type: 'object', properties: [] },
    { type: 'object', required: 'city' },
  ])('leaves out a tool with root schema %j, says why, and keeps the others', (inputSchema) => {
    const formatted = describeTools([describedTool('bad', { inputSchema }), describedTool('good')], write)
    expect(formatted.tools).toEqual([{ name: 'good' }])
    expect(formatted.warnings).toEqual([{ tool: 'bad', message: expect.stringMatching(/^Left out: /) }])
  })

  test('passes everything below the root through, and other root keywords too', () => {
    const inputSchema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: { a: { anyOf: [{ $ref: '#/$defs/b' }, { type: 'null' }] } },
      $defs: { b: { enum: [1] } },
      additionalProperties: false,
    }
    expect(describeTools([describedTool('t', { inputSchema })], ({ schema }) => ({ schema })).tools).toEqual([
      { schema: inputSchema },
    ])
  })

  test('gives a schema without properties an empty list of them', () => {
    const tool = describedTool('t', { inputSchema: { type: 'object' } })
    expect(describeTools([tool], ({ schema }) => schema).tools).toEqual([{ type: 'object', properties: {} }])
    expect(tool.inputSchema).toEqual({ type: 'object' })
  })

  test('keeps the first of two tools with one name', () => {
    const formatted = describeTools([describedTool('a'), describedTool('b'), describedTool('a')], write)
    expect(formatted.tools).toEqual([{ name: 'a' }, { name: 'b' }])
    expect(formatted.warnings).toEqual([{ tool: 'a', message: 'Left out: another tool has the same name' }])
  })

  test('renames what a provider would refuse, says so, and remembers the real name', () => {
    const formatted = describeTools([describedTool('Größe messen'), describedTool('ok')], write)
    const [renamed, kept] = formatted.tools
    expect(kept).toEqual({ name: 'ok' })
    expect([...formatted.originalNames]).toEqual([[renamed?.name, 'Größe messen']])
    expect(formatted.warnings).toEqual([
      { tool: 'Größe messen', message: expect.stringContaining(`"${renamed?.name}"`) },
    ])
  })
})
