import { describe, expect, it } from 'vitest'
import { rebaseSchema } from '../../src/http/rebase-schema.ts'

describe('a schema that moves into another document', () => {
  it('points at its own parts in their new place', () => {
    const schema = {
      type: 'object',
      properties: { child: { $ref: '#' }, list: { type: 'array', items: { $ref: '#/$defs/item' } } },
      $defs: { item: { anyOf: [{ $ref: '#/$defs/item' }, { type: 'null' }] } },
    }
    expect(rebaseSchema(schema, '/here')).toEqual({
      type: 'object',
      properties: { child: { $ref: '#/here' }, list: { type: 'array', items: { $ref: '#/here/$defs/item' } } },
      $defs: { item: { anyOf: [{ $ref: '#/here/$defs/item' }, { type: 'null' }] } },
    })
  })

  it('keeps what only looks like a reference: names of parameters, and data', () => {
    const schema = {
      type: 'object',
      properties: { $ref: { type: 'string', default: { $ref: '#/x' } }, $id: { const: '#/x' } },
      examples: [{ $ref: '#/x' }],
    }
    expect(rebaseSchema(schema, '/here')).toEqual(schema)
  })

  it('points at anchors by their place, so that two schemas of one document may use one name', () => {
    const schema = { properties: { next: { $ref: '#node' } }, $defs: { 'a/b': { $anchor: 'node', type: 'object' } } }
    expect(rebaseSchema(schema, '/here')).toEqual({
      properties: { next: { $ref: '#/here/$defs/a~1b' } },
      $defs: { 'a/b': { type: 'object' } },
    })
  })

  it('turns dynamic references into plain ones', () => {
    const schema = {
      $dynamicAnchor: 'node',
      properties: { a: { $dynamicRef: '#node' }, b: { $dynamicRef: '#/$defs/x' } },
    }
    expect(rebaseSchema(schema, '/here')).toEqual({
      properties: { a: { $ref: '#/here' }, b: { $ref: '#/here/$defs/x' } },
    })
  })

  it('leaves a part with an id of its own alone', () => {
    const part = { $id: 'urn:part', $ref: '#/$defs/z', $defs: { z: { type: 'string' } } }
    expect(rebaseSchema({ properties: { part } }, '/here')).toEqual({ properties: { part } })
  })

  it('is no document of its own any more', () => {
    expect(rebaseSchema({ $schema: 'x', $id: 'urn:y', type: 'object' }, '/here')).toEqual({ type: 'object' })
  })

  it('leaves the schema it was given as it is', () => {
    const schema = { $ref: '#/a' }
    rebaseSchema(schema, '/here')
    expect(schema).toEqual({ $ref: '#/a' })
  })
})
