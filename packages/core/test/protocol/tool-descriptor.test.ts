import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAtpError } from '../../src/errors/atp-error.ts'
import {
  fromWireTool,
  paramsOf,
  requiredParamsOf,
  type ToolDescriptor,
  toWireTool,
} from '../../src/protocol/tool-descriptor.ts'
import { frameFixtures } from './frame-fixtures.ts'

const { tools } = frameFixtures.get('register') as { tools: [Record<string, unknown>] }
const [wireFixture] = tools

const full: ToolDescriptor = {
  name: 'create_company',
  description: 'Makes a company',
  inputSchema: { type: 'object', properties: { name: { type: 'string' }, domain: {} }, required: ['name'] },
  outputSchema: { type: 'object' },
  auth: { provider: 'hubspot', type: 'OAuth2', with: 'access_token' },
  annotations: { title: 'Create', readOnly: false, destructive: true, idempotent: false },
  timeoutMs: 1_000,
  tags: ['crm'],
}
const bare: ToolDescriptor = {
  name: 'now',
  description: '',
  inputSchema: { type: 'object' },
  auth: null,
  annotations: {},
  tags: [],
}

describe('toWireTool', () => {
  it('writes every member in snake_case, with the founding lists of names', () => {
    expect(toWireTool(full)).toEqual({
      name: 'create_company',
      description: 'Makes a company',
      params: ['name', 'domain'],
      required_params: ['name'],
      auth_provider: 'hubspot',
      auth_type: 'OAuth2',
      auth_with: 'access_token',
      input_schema: full.inputSchema,
      output_schema: { type: 'object' },
      annotations: { title: 'Create', read_only: false, destructive: true, idempotent: false },
      timeout_ms: 1_000,
      tags: ['crm'],
    })
  })

  it('leaves out what is not said and writes null for no auth', () => {
    expect(toWireTool(bare)).toEqual({
      name: 'now',
      description: '',
      params: [],
      required_params: [],
      auth_provider: null,
      auth_type: null,
      auth_with: null,
      input_schema: { type: 'object' },
      annotations: {},
      tags: [],
    })
  })

  it('writes what the register fixture shows', () => {
    expect(toWireTool(fromWireTool(wireFixture))).toEqual(wireFixture)
  })
})

describe('fromWireTool', () => {
  it.each([
    ['a full tool', full],
    ['a bare tool', bare],
    ['a tool whose provider is not said', { ...full, auth: { provider: null, type: 'apiKey', with: null } }],
  ])('reads %s back as it was', (_what, tool) => {
    expect(fromWireTool(JSON.parse(JSON.stringify(toWireTool(tool))))).toEqual(tool)
  })

  it('takes null and absence alike, and ignores what it does not know', () => {
    const wire = { name: 'now', input_schema: { type: 'object' } }
    expect(fromWireTool(wire)).toEqual(bare)
    const nulls = { auth_provider: null, auth_type: null, auth_with: null, output_schema: null, annotations: null }
    expect(fromWireTool({ ...wire, ...nulls, timeout_ms: null, tags: null, future: 1, params: 'anything' })).toEqual(
      bare,
    )
    const annotations = { title: null, read_only: null, destructive: null, idempotent: null, future: true }
    expect(fromWireTool({ ...wire, annotations }).annotations).toEqual({})
  })

  it.each([
    ['no object', null, 'invalid_name'],
    ['a list', [], 'invalid_name'],
    ['a bad name', { name: 'two words' }, 'invalid_name'],
    ['a name that cannot be printed', { name: JSON.parse('{"toString":null}') }, 'invalid_name'],
    ['no schema', { name: 'a' }, 'invalid_request'],
    ['a schema of another type', { name: 'a', input_schema: { type: 'string' } }, 'invalid_schema'],
    [
      'a remote reference',
      { name: 'a', input_schema: { type: 'object', not: { $ref: 'https://x' } } },
      'invalid_schema',
    ],
    [
      'a bad output schema',
      { name: 'a', input_schema: { type: 'object' }, output_schema: { type: 'str' } },
      'invalid_schema',
    ],
    [
      'a long description',
      { name: 'a', input_schema: { type: 'object' }, description: 'x'.repeat(16_385) },
      'invalid_request',
    ],
    ['a time limit of zero', { name: 'a', input_schema: { type: 'object' }, timeout_ms: 0 }, 'invalid_request'],
    [
      'a hint that is no truth value',
      { name: 'a', input_schema: { type: 'object' }, annotations: { read_only: 'yes' } },
      'invalid_request',
    ],
    ['too many tags', { name: 'a', input_schema: { type: 'object' }, tags: Array(65).fill('t') }, 'invalid_request'],
  ])('refuses %s', (_what, wire, code) => {
    expect(() => fromWireTool(wire)).toThrow(expect.objectContaining({ code }))
  })

  it('names the tool and the member in its message', () => {
    expect(() => fromWireTool({ name: 'a', input_schema: { type: 'object' }, auth_type: 5 })).toThrow(
      'Tool "a": auth_type: Invalid input: expected string, received number',
    )
  })

  it('throws nothing but AtpError, whatever a peer sends', () => {
    const schema = fc.oneof(fc.jsonValue(), fc.record({ type: fc.constant('object'), properties: fc.jsonValue() }))
    const wire = fc.oneof(
      fc.jsonValue(),
      fc.record({
        name: fc.oneof(fc.constant('a'), fc.jsonValue()),
        input_schema: schema,
        output_schema: schema,
        annotations: fc.jsonValue(),
        tags: fc.jsonValue(),
      }),
    )
    fc.assert(
      fc.property(wire, (value) => {
        try {
          fromWireTool(JSON.parse(JSON.stringify(value)))
        } catch (error) {
          expect(isAtpError(error)).toBe(true)
        }
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('paramsOf and requiredParamsOf', () => {
  it('read the names from the schema, in its order', () => {
    const inputSchema = { type: 'object', properties: { b: {}, a: {} }, required: ['a'] }
    expect(paramsOf({ inputSchema })).toEqual(['b', 'a'])
    expect(requiredParamsOf({ inputSchema })).toEqual(['a'])
    expect(paramsOf({ inputSchema: {} })).toEqual([])
    expect(requiredParamsOf({ inputSchema: {} })).toEqual([])
  })
})
