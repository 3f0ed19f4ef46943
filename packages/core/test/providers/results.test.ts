import { describe, expect, test } from 'vitest'
import { MistralCallIds } from '../../src/providers/mistral-call-ids.ts'
import { providerFormat } from '../../src/providers/provider-by-name.ts'
import type { ProviderFormat } from '../../src/providers/provider-format.ts'
import { providerRules } from '../../src/providers/provider-rules.ts'
import { answerAll, readCall } from './fixtures.ts'

const formats = ['openai', 'openai-chat', 'openai-strict', 'openai-chat-strict', 'anthropic', 'mistralai'].map(
  providerFormat,
)

/** The texts of results, whatever message they stand in. */
function textsOf(format: ProviderFormat, result: unknown, maxResultLength?: number): string[] {
  const results = [{ call: readCall(), outcome: { ok: true as const, result } }]
  const messages = format.toResultMessages(results, maxResultLength === undefined ? {} : { maxResultLength })
  return messages.flatMap((message) => {
    const blocks = Array.isArray(message.content) ? (message.content as Record<string, unknown>[]) : [message]
    return blocks.map((block) => String(block.output ?? block.content))
  })
}

describe.each(formats)('results for $name', (format) => {
  test('are whole up to the limit, and cut above it with a mark and the whole length', () => {
    expect(textsOf(format, 'x'.repeat(8), 10)).toEqual([`"${'x'.repeat(8)}"`])
    expect(textsOf(format, 'x'.repeat(9), 10)).toEqual([`"${'x'.repeat(9)}\n[cut: the first 10 of 11 characters]`])
  })

  test('have a limit that nobody has to set', () => {
    const limit = providerRules[format.name].maxResultLength
    const [text] = textsOf(format, 'x'.repeat(1_000_000))
    expect(text).toHaveLength(limit + `\n[cut: the first ${limit} of 1000002 characters]`.length)
  })

  test('are never cut inside a character', () => {
    const [text] = textsOf(format, '🙂'.repeat(10), 4)
    expect(text).toBe('"🙂\n[cut: the first 3 of 22 characters]')
  })

  test('that are errors are cut as well', () => {
    const error = { code: 'tool_error' as const, message: 'y'.repeat(50), retryable: false }
    const messages = format.toResultMessages([{ call: readCall(), outcome: { ok: false, error } }], {
      maxResultLength: 20,
    })
    expect(JSON.stringify(messages)).toContain('[cut: the first 20 of 62 characters]')
  })

  test('are one for each call, in order, also where two calls have one id', () => {
    const calls = ['same', 'other', 'same'].map((id, at) => readCall({ id, args: { at } }))
    const text = JSON.stringify(format.toResultMessages(answerAll(calls)))
    const at = [0, 1, 2].map((each) => text.indexOf(`{\\"at\\":${each}}`))
    expect(at).toEqual([...at].sort((a, b) => a - b))
    expect(at).not.toContain(-1)
    expect(text.split('"same"').length - 1).toBeGreaterThanOrEqual(2)
  })
})

test('Anthropic gets one user message with all results, and those that failed are marked', () => {
  const format = providerFormat('anthropic')
  const calls = [readCall({ id: 'a' }), readCall({ id: 'b', args: undefined, error: 'bad' }), readCall({ id: 'c' })]
  expect(format.toResultMessages(answerAll(calls))).toEqual([
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'a', content: '{}' },
        { type: 'tool_result', tool_use_id: 'b', content: '{"error":"bad"}', is_error: true },
        { type: 'tool_result', tool_use_id: 'c', content: '{}' },
      ],
    },
  ])
})

describe('ids of calls for Mistral', () => {
  test('are made as Mistral takes them where a call has none', () => {
    const calls = providerFormat('mistralai').parseToolCalls([
      { function: { name: 'a', arguments: '{}' } },
      { function: 'b', parameters: {} },
    ])
    for (const { id } of calls) expect(id).toMatch(/^[a-zA-Z0-9]{9}$/)
    expect(calls[0]?.id).not.toBe(calls[1]?.id)
  })

  test('that the model gave come back with the result as they are', () => {
    const format = providerFormat('mistralai')
    const calls = format.parseToolCalls([{ id: 'a1B2c3D4e', function: { name: 'a', arguments: '{}' } }])
    expect(format.toResultMessages(answerAll(calls))).toMatchObject([{ tool_call_id: 'a1B2c3D4e' }])
  })

  test('of other providers are mapped to 9 letters and digits, and back', () => {
    const ids = new MistralCallIds()
    const given = ['call_0fypS1hVX', 'toolu_01A09q90qw90lq917835lq9', '', 'a1B2c3D4e', '🙂', 'call_0fypS1hVY']
    const mapped = given.map((id) => ids.toMistral(id))
    for (const id of mapped) expect(id).toMatch(/^[a-zA-Z0-9]{9}$/)
    expect(new Set(mapped).size).toBe(given.length)
    expect(mapped.map((id) => ids.fromMistral(id))).toEqual(given)
    expect(ids.toMistral('a1B2c3D4e')).toBe('a1B2c3D4e')
    expect(ids.fromMistral('unknown00')).toBe('unknown00')
    expect(given.map((id) => ids.toMistral(id))).toEqual(mapped)
    expect(given.map((id) => new MistralCallIds().toMistral(id))).toEqual(mapped)
  })

  test('stay apart where a mapped id is what another call is really called', () => {
    const taken = new MistralCallIds().toMistral('call_1')
    const ids = new MistralCallIds()
    expect(ids.toMistral(taken)).toBe(taken)
    expect(ids.toMistral('call_1')).toMatch(/^[a-zA-Z0-9]{9}$/)
    expect(ids.toMistral('call_1')).not.toBe(taken)
    expect(ids.fromMistral(ids.toMistral('call_1'))).toBe('call_1')
  })
})
