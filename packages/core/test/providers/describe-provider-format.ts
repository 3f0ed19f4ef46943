import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ProviderFormat } from '../../src/providers/provider-format.ts'
import { answerAll, describedTool } from './fixtures.ts'

/** How a format's own calls and results look, for the suite all formats run. */
export interface FormatSample {
  /** Builds a call of this provider. */
  call(id: string, name: string, args: unknown): Record<string, unknown>
  /** The ids and texts of results, in the order the provider sees them. */
  readResults(messages: Record<string, unknown>[]): { id: unknown; text: unknown }[]
  /** Whether arguments travel as JSON text. */
  argumentsAreText: boolean
}

/** The obligations of {@link ProviderFormat}, one test for each. */
export function describeProviderFormat(format: ProviderFormat, sample: FormatSample): void {
  describe(`format ${format.name}`, () => {
    test('every call gets exactly one result, in order, with its own id', () => {
      const ids = ['id9', 'id1', 'id5']
      const calls = format.parseToolCalls(ids.map((id, index) => sample.call(id, 'search', { index })))
      const results = sample.readResults(format.toResultMessages(answerAll(calls)))
      expect(results).toEqual(ids.map((id, index) => ({ id, text: `{"index":${index}}` })))
    })

    test('results stay with their own calls where the model called one tool twice with the same arguments', () => {
      const calls = format.parseToolCalls([sample.call('a', 'now', {}), sample.call('b', 'now', {})])
      expect(sample.readResults(format.toResultMessages(answerAll(calls))).map(({ id }) => id)).toEqual(['a', 'b'])
    })

    test.each(['{"city": "Bern"', '[1]', '"Bern"', 'null', '5', 'true', '{"__proto__": {"a": 1}}', '{'.repeat(10_000)])(
      'arguments %j become an error for the model, never {}',
      (bad) => {
        const [call] = format.parseToolCalls([sample.call('a', 'search', bad)])
        expect(call).toMatchObject({ id: 'a', name: 'search', args: undefined })
        expect(call?.error).toMatch(/"search".*JSON object$/s)
      },
    )

    test.each([{ bad: [1] }, { bad: 5 }, { bad: true }, { bad: { amount: 5n } }])(
      'an argument value $bad is an error too',
      ({ bad }) => {
        const [call] = format.parseToolCalls([sample.call('a', 'search', bad)])
        expect(call?.args).toBeUndefined()
        expect(call?.error).toContain('"search"')
      },
    )

    test.each([undefined, null, '', ' \n', {}, '{}'])('arguments %j mean none', (none) => {
      const [call] = format.parseToolCalls([sample.call('a', 'now', none)])
      expect(call).toMatchObject({ args: {}, error: undefined })
    })

    test('arguments may be JSON text or an object', () => {
      const calls = format.parseToolCalls([
        sample.call('a', 'search', { city: 'Zürich' }),
        sample.call('b', 'search', '{"city": "Zürich"}'),
      ])
      expect(calls.map((call) => call.args)).toEqual([{ city: 'Zürich' }, { city: 'Zürich' }])
    })

    test('a failed call says so as JSON with its message', () => {
      const [call] = format.parseToolCalls([sample.call('a', 'search', {})])
      if (call === undefined) throw new Error('the call was not read')
      const error = { code: 'tool_error' as const, message: 'Keine Städte "gefunden"', retryable: false }
      const messages = format.toResultMessages([{ call, outcome: { ok: false, error } }])
      expect(sample.readResults(messages)).toEqual([{ id: 'a', text: '{"error":"Keine Städte \\"gefunden\\""}' }])
    })

    test.each([
      ['text', '"text"'],
      ['日本', '"日本"'],
      [0, '0'],
      [null, 'null'],
      [undefined, 'null'],
      [[], '[]'],
      [{ a: [1, 'ü'] }, '{"a":[1,"ü"]}'],
    ])('the result %j reaches the model as JSON %s', (result, text) => {
      const [call] = format.parseToolCalls([sample.call('a', 'search', {})])
      if (call === undefined) throw new Error('the call was not read')
      expect(sample.readResults(format.toResultMessages([{ call, outcome: { ok: true, result } }]))).toEqual([
        { id: 'a', text },
      ])
    })

    test('no results make no messages', () => {
      expect(format.toResultMessages([])).toEqual([])
    })

    test('tools keep their order, and what they are described with', () => {
      const tools = ['zeta', 'alpha', 'mid'].map((name) =>
        describedTool(name, { description: name === 'mid' ? '' : name }),
      )
      const formatted = format.toTools(tools)
      expect(formatted.tools.map((tool) => JSON.stringify(tool).match(/"name":"(\w+)"/)?.[1])).toEqual([
        'zeta',
        'alpha',
        'mid',
      ])
      expect(formatted.warnings).toEqual([])
      expect(JSON.stringify(formatted.tools[0])).toContain(JSON.stringify(tools[0]?.inputSchema))
    })

    test('a list of anything is read without throwing, and each call read gets one result', () => {
      fc.assert(
        fc.property(fc.array(junk), (list) => {
          const calls = format.parseToolCalls(list)
          for (const call of calls) {
            expect(typeof call.id).toBe('string')
            expect(call.name).not.toBe('')
            expect(call.args === undefined).toBe(call.error !== undefined)
          }
          const results = sample.readResults(format.toResultMessages(answerAll(calls)))
          expect(results.map(({ id }) => id)).toEqual(calls.map((call) => call.id))
          for (const { text } of results) JSON.parse(text as string)
        }),
        { numRuns: 1_000 },
      )
    })

    test('any text is read or refused as invalid_request', () => {
      const mark = fc.constantFrom('```', '```json', '\n', '{', '}', '"function"', ':', '"x"', '[', ']', ',', '5', ' ')
      fc.assert(
        fc.property(
          fc.oneof(
            fc.string(),
            fc.array(mark).map((marks) => marks.join('')),
            fc.json(),
          ),
          (text) => {
            try {
              format.parseToolCalls(text)
            } catch (error) {
              expect(error).toMatchObject({ code: 'invalid_request' })
            }
          },
        ),
        { numRuns: 1_000 },
      )
    })

    test('a call among anything is found with its id and arguments', () => {
      // Members that rule I1 refuses, at any depth, are another test's.
      const argument = fc
        .dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }))
        .filter((args) => !/"(__proto__|constructor)"/.test(JSON.stringify(args)))
      fc.assert(
        fc.property(fc.array(junk), argument, fc.array(junk), (before, args, after) => {
          const written = sample.argumentsAreText ? JSON.stringify(args) : args
          const calls = format.parseToolCalls([...before, sample.call('the one', 'search', written), ...after])
          const found = calls.filter((call) => call.id === 'the one')
          expect(found).toHaveLength(1)
          expect(found[0]?.args).toEqual(JSON.parse(JSON.stringify(args)))
        }),
      )
    })
  })
}

const scalar = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.json({ maxDepth: 1 }))
const odd = fc.anything({ maxDepth: 1, withBigInt: true, withDate: true, withMap: true, withNullPrototype: true })
const types = fc.oneof(fc.constantFrom('function', 'function_call', 'tool_use', 'message', 'text', 'null'), scalar)

/** Objects made of the members that formats look at, with wrong values under them. */
const junk: fc.Arbitrary<unknown> = junkAround(junkAround(junkAround(odd)))

function junkAround(inner: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const value = fc.oneof(scalar, inner)
  const list = fc.oneof(fc.array(inner, { maxLength: 2 }), value)
  const members = {
    type: types,
    id: scalar,
    call_id: scalar,
    name: scalar,
    arguments: value,
    parameters: value,
    input: value,
    function: value,
    function_call: value,
    role: scalar,
    content: list,
    message: value,
    tool_calls: list,
    toolCalls: list,
    choices: list,
    output: list,
  }
  return fc.oneof(odd, pick(members))
}

/** An object with one to four of the members: with all of them, the first that a format looks at would hide the rest. */
function pick(members: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> {
  return fc
    .subarray(Object.keys(members), { minLength: 1, maxLength: 4 })
    .chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, members[name] ?? odd]))))
}
