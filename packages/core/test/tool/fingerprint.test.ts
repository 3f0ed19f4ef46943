import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ToolDescriptor } from '../../src/protocol/tool-descriptor.ts'
import { type ToolkitIdentity, toolkitHash } from '../../src/tool/fingerprint.ts'

const base: ToolDescriptor = {
  name: 'search',
  description: 'Finds things',
  inputSchema: { type: 'object', properties: { q: { type: 'string' }, n: { type: 'integer' } }, required: ['q'] },
  outputSchema: { type: 'array' },
  auth: { provider: 'github', type: 'OAuth2', with: 'access_token' },
  annotations: { title: 'Search', readOnly: true },
  timeoutMs: 1_000,
  tags: ['a'],
}

const hashOf = (tools: ToolDescriptor[], identity: Partial<ToolkitIdentity> = {}): Promise<string> =>
  toolkitHash({ caption: 'caption', instructions: 'instructions', tools, ...identity })

/** The same value with the members of every object in another order. */
function shuffled(value: unknown, random: () => number): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, random))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, member]) => [key, shuffled(member, random)] as const)
  return Object.fromEntries(
    entries
      .map((entry) => ({ entry, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ entry }) => entry),
  )
}

const name = fc.stringMatching(/^[a-zA-Z0-9_-]{1,12}$/)
const anyTool: fc.Arbitrary<ToolDescriptor> = fc.record({
  name,
  description: fc.string(),
  inputSchema: fc
    .dictionary(name, fc.record({ type: fc.constantFrom('string', 'number'), description: fc.string() }), {
      maxKeys: 5,
    })
    .map((properties) => ({ type: 'object', properties, required: Object.keys(properties).sort().slice(0, 2) })),
  auth: fc.constantFrom(null, { provider: 'p', type: 'OAuth2', with: null }),
  annotations: fc.record({ readOnly: fc.boolean(), title: fc.string() }, { requiredKeys: [] }),
  tags: fc.array(fc.string(), { maxLength: 3 }),
})

describe('toolkitHash', () => {
  it('is 64 hexadecimal digits', async () => {
    expect(await hashOf([])).toMatch(/^[0-9a-f]{64}$/)
  })

  it('is the same whatever the order of registration and of the members of objects', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(anyTool, { selector: (tool) => tool.name, maxLength: 5 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        async (tools, stream) => {
          const random = (): number => stream.next().value
          const reordered = tools
            .map((tool) => ({ tool: shuffled(tool, random) as ToolDescriptor, at: random() }))
            .sort((a, b) => a.at - b.at)
            .map(({ tool }) => tool)
          expect(await hashOf(reordered)).toBe(await hashOf(tools))
        },
      ),
    )
  })

  it('tells any two different toolkits apart', async () => {
    await fc.assert(
      fc.asyncProperty(anyTool, anyTool, async (one, other) => {
        const same = JSON.stringify(canonical(one)) === JSON.stringify(canonical(other))
        expect((await hashOf([one])) === (await hashOf([other]))).toBe(same)
      }),
    )
  })

  const changes: [string, Partial<ToolDescriptor>][] = [
    ['its name', { name: 'find' }],
    ['its description', { description: 'Finds things ' }],
    ['a parameter', { inputSchema: { ...base.inputSchema, properties: { q: { type: 'string' } } } }],
    ['what is required', { inputSchema: { ...base.inputSchema, required: ['q', 'n'] } }],
    [
      'a keyword deep in its schema',
      {
        inputSchema: {
          ...base.inputSchema,
          properties: { q: { type: 'string', minLength: 1 }, n: { type: 'integer' } },
        },
      },
    ],
    ['its output schema', { outputSchema: { type: 'object' } }],
    ['its output schema to none', { outputSchema: undefined }],
    ['its provider', { auth: { provider: 'gitlab', type: 'OAuth2', with: 'access_token' } }],
    ['its auth type', { auth: { provider: 'github', type: 'apiKey', with: 'access_token' } }],
    ['its credential', { auth: { provider: 'github', type: 'OAuth2', with: 'api_key' } }],
    ['its auth to none', { auth: null }],
    ['its title', { annotations: { title: 'search', readOnly: true } }],
    ['the hint readOnly', { annotations: { title: 'Search', readOnly: false } }],
    ['the hint destructive', { annotations: { title: 'Search', readOnly: true, destructive: true } }],
    ['the hint idempotent', { annotations: { title: 'Search', readOnly: true, idempotent: true } }],
    ['its time limit', { timeoutMs: 1_001 }],
    ['a tag', { tags: ['b'] }],
  ]
  it.each(changes)('changes with a tool when it changes %s', async (_what, change) => {
    expect(await hashOf([{ ...base, ...change }])).not.toBe(await hashOf([base]))
  })

  it('changes with the caption, the instructions and the number of tools', async () => {
    const hashes = [
      await hashOf([base]),
      await hashOf([base], { caption: undefined }),
      await hashOf([base], { caption: 'other' }),
      await hashOf([base], { instructions: undefined }),
      await hashOf([base], { caption: 'instructions', instructions: 'caption' }),
      await hashOf([base, { ...base, name: 'find' }]),
      await hashOf([]),
    ]
    expect(new Set(hashes).size).toBe(hashes.length)
  })
})

/** The descriptor in name order, written here on its own so that the hash has something to be compared with. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => [key, canonical(member)])
}
