import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { fromWireTool, toWireTool } from '../../src/protocol/tool-descriptor.ts'
import { maxTimeoutMs } from '../../src/tool/define-tool.ts'
import { define, description, refusal, withParams } from './define.ts'
import { pointSchema } from './point-schema.ts'

describe('the four forms of params', () => {
  it('describes a zod object as JSON Schema, defaults being optional', () => {
    const tool = withParams(z.object({ city: z.string().describe('A city'), days: z.int().min(1).default(3) }))
    expect(tool.inputSchema).toEqual({
      type: 'object',
      properties: {
        city: { type: 'string', description: 'A city' },
        days: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER, default: 3 },
      },
      required: ['city'],
    })
    expect(tool.tokenInArgs).toBe(false)
  })

  it('describes what callers send, not what a converting zod schema makes of it', () => {
    const tool = withParams(z.object({ tags: z.string().transform((text) => text.split(',')) }))
    expect(tool.inputSchema.properties).toEqual({ tags: { type: 'string' } })
  })

  it('takes any Standard Schema that gives JSON Schema and leaves its dialect out', () => {
    const tool = withParams(pointSchema())
    expect(Object.keys(tool.inputSchema)).toEqual(['type', 'properties', 'required'])
    expect(toWireTool(tool)).toMatchObject({ params: ['x', 'y'], required_params: ['x', 'y'] })
  })

  it('asks a Standard Schema for draft 7 when it knows no newer dialect', () => {
    expect(withParams(pointSchema({ targets: ['draft-07'] })).inputSchema.type).toBe('object')
    expect(refusal({ name: 'a', description, params: pointSchema({ targets: [] }) })).toEqual({
      code: 'invalid_schema',
      message: 'Tool "a": input schema cannot be written as JSON Schema: target draft-07 is not supported',
    })
  })

  it('keeps a JSON Schema as it is written, and apart from what its author does to it later', () => {
    const city = { type: 'string' }
    const schema = { type: 'object', properties: { city }, required: ['city'], additionalProperties: false }
    const tool = withParams(schema)
    expect(tool.inputSchema).toEqual(schema)
    city.type = 'number'
    expect(tool.inputSchema.properties).toEqual({ city: { type: 'string' } })
    expect(tool.validateInput?.({ city: 'Oslo' })).toEqual({ ok: true, value: { city: 'Oslo' } })
  })

  it('leaves the JSON Schema object of its author alone, so that two tools can share one that is frozen', () => {
    const schema = Object.freeze({ type: 'object', properties: Object.freeze({ city: { type: 'string' } }) })
    expect(withParams(schema).inputSchema).toEqual(withParams(schema).inputSchema)
    expect(Object.getOwnPropertyNames(schema.properties.city)).toEqual(['type'])
  })

  it('takes the founding form with all its names', () => {
    const tool = define({
      functionName: 'create_company',
      params: ['name', 'domain', 'auth_token'],
      requiredParams: ['name', 'auth_token'],
      description,
      authProvider: 'hubspot',
      authType: 'OAuth2',
      authWith: 'access_token',
    })
    expect(tool.name).toBe('create_company')
    expect(tool.inputSchema).toEqual({
      type: 'object',
      properties: { name: { type: 'string', description: 'name' }, domain: { type: 'string', description: 'domain' } },
      required: ['name'],
    })
    expect(tool.auth).toEqual({ provider: 'hubspot', type: 'OAuth2', with: 'access_token' })
    expect(tool.tokenInArgs).toBe(true)
  })

  it('never shows auth_token of a founding list nor counts it as required', () => {
    const wire = toWireTool(
      define({ name: 'a', description, params: ['auth_token'], requiredParams: ['auth_token'], authType: 'OAuth2' }),
    )
    expect(wire.params).toEqual([])
    expect(wire.required_params).toEqual([])
    expect(JSON.stringify(wire)).not.toContain('auth_token')
  })

  it('takes a tool without parameters', () => {
    expect(define({ name: 'now', description }).inputSchema).toEqual({ type: 'object', properties: {} })
    expect(define({ name: 'now', description, requiredParams: [] }).inputSchema.required).toEqual([])
  })

  it('takes parameters called like members of Object.prototype, in every form', () => {
    const names = ['constructor', 'toString', 'hasOwnProperty']
    const members = Object.fromEntries(names.map((name) => [name, { type: 'string' }]))
    const tools = [
      withParams(names, { requiredParams: names }),
      withParams({ type: 'object', properties: members, required: names }),
      withParams(z.object(Object.fromEntries(names.map((name) => [name, z.string()])))),
    ]
    for (const tool of tools) expect(toWireTool(tool)).toMatchObject({ params: names, required_params: names })
  })
})

describe('what else a definition may say', () => {
  it('keeps annotations, tags, time limit and output schema', () => {
    const tool = define({
      name: 'a',
      description,
      annotations: { readOnly: true, title: 'A' },
      tags: ['x', 'y'],
      timeoutMs: maxTimeoutMs,
      output: z.object({ n: z.number() }),
    })
    expect(tool).toMatchObject({ annotations: { readOnly: true, title: 'A' }, tags: ['x', 'y'], timeoutMs: 600_000 })
    expect(tool.outputSchema).toMatchObject({ type: 'object', properties: { n: { type: 'number' } } })
  })

  it('describes what a converting zod output schema yields', () => {
    const tool = define({ name: 'a', description, output: z.number().transform(String).pipe(z.string()) })
    expect(tool.outputSchema).toEqual({ type: 'string' })
  })

  it('takes auth in either spelling, an empty or null one meaning none', () => {
    const auth = { provider: 'github', type: 'OAuth2', with: 'access_token' }
    expect(define({ name: 'a', description, auth }).auth).toEqual(auth)
    expect(define({ name: 'a', description, auth: { type: 'apiKey' } }).auth).toEqual({
      provider: null,
      type: 'apiKey',
      with: null,
    })
    expect(define({ name: 'a', description, auth: null }).auth).toBeNull()
    expect(define({ name: 'a', description, authProvider: '', authType: '', authWith: null }).auth).toBeNull()
  })

  it('makes only tools whose wire form a server reads back as the same tool', () => {
    const tools = [
      withParams(['a', 'b'], { requiredParams: ['a'] }),
      withParams(pointSchema(), { tags: ['t'], timeoutMs: 5, annotations: { destructive: false } }),
      define({ name: 'b', description: '', auth: { type: 'OAuth2' }, output: { type: 'string' } }),
    ]
    for (const tool of tools) {
      const { handler: _, tokenInArgs: __, validateInput: ___, validateOutput: ____, ...descriptor } = tool
      expect(fromWireTool(JSON.parse(JSON.stringify(toWireTool(tool))))).toEqual(descriptor)
    }
  })
})
