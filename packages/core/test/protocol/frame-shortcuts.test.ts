import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as schemas from '../../src/protocol/frame-schemas.ts'
import { readLlmCall, readResult, readToolkitCall } from '../../src/protocol/frame-shortcuts.ts'
import { frameFixtures } from './frame-fixtures.ts'

const kinds = [
  { name: 'a call to a toolkit', read: readToolkitCall, schema: schemas.toolkitCall, type: 'call' },
  { name: 'a call of an LLM client', read: readLlmCall, schema: schemas.llmCall, type: 'call' },
  { name: 'a result', read: readResult, schema: schemas.result, type: 'result' },
] as const

const longest = [64, 128, 256, 512, 65_536].flatMap((length) => ['x'.repeat(length), 'x'.repeat(length + 1)])
const text = fc.oneof(fc.string(), fc.constantFrom('', ...longest))
const number = fc.oneof(fc.double(), fc.constantFrom(0, -0, -1, 1, 1e300, Number.POSITIVE_INFINITY, Number.NaN))
const record = fc.oneof(fc.constant({}), fc.dictionary(fc.constantFrom('a', 'b'), fc.jsonValue()))
/** Anything that JSON can say, and what a number that is too large becomes. */
const anything = fc.oneof(text, number, record, fc.boolean(), fc.constant(null), fc.jsonValue())

/** Mostly what the member should be, else anything. */
const member = (good: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 8, arbitrary: good }, { weight: 1, arbitrary: anything })
const optional = (good: fc.Arbitrary<unknown>) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    { weight: 4, arbitrary: good },
    { weight: 1, arbitrary: anything },
  )

const short = fc.string({ minLength: 1, maxLength: 20 })
const wires = fc.record({
  request_id: member(short),
  toolkit_id: member(short),
  tool: member(short),
  params: member(record),
  deadline_ms: member(fc.nat()),
  auth_token: optional(text),
  timeout_ms: optional(number),
  provider: optional(text),
  call_id: optional(text),
  ok: member(fc.constant(true)),
  result: optional(fc.jsonValue()),
  error: fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: anything }),
  stream: optional(fc.boolean()),
  lease_id: optional(text),
  _meta: optional(record),
  unknown: optional(anything),
})
const seldom = fc.record(
  Object.fromEntries(
    ['lease_ms', 'app', 'idempotency_key', 'external_user_id', 'detach'].map((name) => [name, anything] as const),
  ),
  { requiredKeys: [] },
)

/** As a parser gives it: without what is undefined. */
function parsed(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined))
}

describe.each(kinds)('$name that is read by hand', ({ read, schema, type }) => {
  it('is what the schema reads, whatever comes', () => {
    let taken = 0
    fc.assert(
      fc.property(
        wires,
        fc.oneof({ weight: 4, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: seldom }),
        (usual, more) => {
          const wire = parsed({ type, ...usual, ...more })
          const frame = read(wire)
          if (frame === undefined) return
          taken += 1
          expect(schema.safeParse(wire)).toStrictEqual({ success: true, data: frame })
        },
      ),
      { numRuns: 3_000 },
    )
    expect(taken).toBeGreaterThan(300)
  })

  it('leaves what is null or wrong to the schema', () => {
    expect(read({ type })).toBeUndefined()
    expect(read({ type, request_id: 7 })).toBeUndefined()
  })
})

it.each([
  ['call-to-toolkit', readToolkitCall],
  ['call-from-llm', readLlmCall],
  ['result-success', readResult],
  ['result-leased', readResult],
] as const)('reads the fixture %s by hand', (name, read) => {
  expect(read(frameFixtures.get(name) ?? {})).toBeDefined()
})
