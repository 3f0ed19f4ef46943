import { describe, expect, test } from 'vitest'
import { providerViolations, type RuledProvider, type RuleName } from '../../src/providers/index.ts'

type Schema = Record<string, unknown>

/** A tool that all providers take, in a provider's form. */
function tool(provider: RuledProvider, parameters: Schema = {}, more: Schema = {}): Schema {
  const strict = provider.endsWith('strict')
  const schema = { type: 'object', properties: {}, required: [], additionalProperties: false, ...parameters }
  if (provider === 'anthropic') return { name: 'a', description: '', input_schema: schema, ...more }
  const inner = {
    name: 'a',
    description: '',
    parameters: schema,
    ...(provider.startsWith('openai') ? { strict } : {}),
    ...more,
  }
  return provider === 'openai' || provider === 'openai-strict'
    ? { type: 'function', ...inner }
    : { type: 'function', function: inner }
}

/** A strict object schema of some properties. */
function closed(properties: Schema): Schema {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
}

const providers: readonly RuledProvider[] = [
  'openai',
  'openai-strict',
  'openai-chat',
  'openai-chat-strict',
  'anthropic',
  'mistralai',
]
const long = (length: number): string => 'x'.repeat(length)
const many = (count: number, length: number): string[] =>
  Array.from({ length: count }, (_, at) => String(at).padStart(length, '0'))
const nested = (levels: number): Schema => (levels === 0 ? { type: 'string' } : closed({ a: nested(levels - 1) }))

describe('providerViolations', () => {
  test.each(providers)('finds nothing wrong with a tool that %s takes', (provider) => {
    const properties = {
      city: { type: 'string', description: 'Where' },
      days: { type: ['integer', 'null'], minimum: 1 },
    }
    expect(providerViolations(provider, [tool(provider, closed(properties))])).toEqual([])
  })

  test.each<[RuleName, RuledProvider, Schema[]]>([
    ['form', 'openai', [{ name: 'a' }]],
    ['form', 'anthropic', [{ ...tool('anthropic'), type: 'function' }]],
    ['form', 'mistralai', [tool('openai')]],
    ['form', 'openai-chat', [{ ...tool('openai-chat'), strict: false }]],
    ['name', 'openai', [tool('openai', {}, { name: 'with space' })]],
    ['name', 'anthropic', [tool('anthropic', {}, { name: long(65) })]],
    ['unique-names', 'mistralai', [tool('mistralai'), tool('mistralai')]],
    ['tool-count', 'openai', Array.from({ length: 129 }, (_, at) => tool('openai', {}, { name: `t${at}` }))],
    ['description-length', 'openai-chat', [tool('openai-chat', {}, { description: long(1_025) })]],
    ['explicit-strict', 'openai', [tool('openai', {}, { strict: undefined })]],
    ['root-object', 'mistralai', [tool('mistralai', { type: 'array' })]],
    ['root-object', 'anthropic', [tool('anthropic', { oneOf: [{}] })]],
    ['dialect', 'anthropic', [tool('anthropic', { properties: { a: { type: 'any' } } })]],
    ['dialect', 'anthropic', [tool('anthropic', { properties: { a: { type: 'array', items: [{}] } } })]],
    ['no-references', 'openai', [tool('openai', { properties: { a: { $ref: '#' } } })]],
    ['array-items', 'openai', [tool('openai', { properties: { a: { type: 'array' } } })]],
    ['object-properties', 'openai', [tool('openai', { properties: { a: { type: 'object' } } })]],
    [
      'property-name',
      'anthropic',
      [tool('anthropic', { properties: { a: { type: 'object', properties: { 'filter[x]': {} } } } })],
    ],
    ['no-lookaround', 'openai', [tool('openai', { properties: { a: { type: 'string', pattern: '^(?!x)' } } })]],
    ['schema-size', 'anthropic', [tool('anthropic', { description: long(131_072) })]],
    ['strict-required', 'openai-strict', [tool('openai-strict', { properties: { a: { type: 'string' } } })]],
    ['strict-closed', 'openai-strict', [tool('openai-strict', { additionalProperties: true })]],
    [
      'strict-keyword',
      'openai-chat-strict',
      [tool('openai-chat-strict', closed({ a: { type: 'string', minLength: 1 } }))],
    ],
    ['strict-format', 'openai-strict', [tool('openai-strict', closed({ a: { type: 'string', format: 'uri' } }))]],
    ['strict-type', 'openai-strict', [tool('openai-strict', closed({ a: {} }))]],
    ['strict-depth', 'openai-strict', [tool('openai-strict', nested(11))]],
    [
      'strict-properties',
      'openai-strict',
      [tool('openai-strict', closed(Object.fromEntries(many(5_001, 4).map((name) => [name, { type: 'null' }]))))],
    ],
    [
      'strict-enum-count',
      'openai-strict',
      [tool('openai-strict', closed({ a: { type: 'string', enum: many(1_001, 4) } }))],
    ],
    [
      'strict-enum-length',
      'openai-strict',
      [tool('openai-strict', closed({ a: { type: 'string', enum: many(251, 60) } }))],
    ],
    ['strict-characters', 'openai-strict', [tool('openai-strict', closed({ [long(120_001)]: { type: 'null' } }))]],
  ])('finds a broken rule "%s" of %s, and no other', (rule, provider, tools) => {
    const found = new Set(providerViolations(provider, tools).map((each) => each.rule))
    // What has too many properties is too long as well.
    if (rule !== 'schema-size') found.delete('schema-size')
    expect([...found]).toEqual([rule])
  })

  test('tells the tool and the place', () => {
    const broken = tool('openai', { properties: { a: { type: 'object', properties: { b: { type: 'array' } } } } })
    expect(providerViolations('openai', [broken])).toEqual([
      { rule: 'array-items', tool: 'a', path: '/properties/a/properties/b', message: 'array without items' },
    ])
  })

  test.each([10])('takes what is just within the limits of strict mode', (levels) => {
    expect(providerViolations('openai-strict', [tool('openai-strict', nested(levels))])).toEqual([])
    const largest = closed({ a: { type: 'string', enum: many(1_000, 15) } })
    expect(providerViolations('openai-strict', [tool('openai-strict', largest)])).toEqual([])
  })
})
