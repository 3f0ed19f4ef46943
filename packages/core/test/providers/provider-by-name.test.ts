import { describe, expect, test } from 'vitest'
import { providerFormat } from '../../src/providers/provider-by-name.ts'

describe('providerFormat', () => {
  test.each([
    ['openai', 'openai'],
    ['OpenAI', 'openai'],
    ['openai-chat', 'openai-chat'],
    ['openai-strict', 'openai-strict'],
    ['OpenAI-Chat-Strict', 'openai-chat-strict'],
    ['Anthropic', 'anthropic'],
    ['mistralai', 'mistralai'],
    ['Mistral', 'mistralai'],
  ])('finds %s', (given, name) => {
    expect(providerFormat(given).name).toBe(name)
  })

  test.each(['gemini', '', '__proto__', undefined as unknown as string])(
    'refuses %j and lists the known ones',
    (name) => {
      expect(() => providerFormat(name)).toThrow(
        expect.objectContaining({
          code: 'unknown_provider',
          message: expect.stringContaining(
            'openai, openai-chat, openai-strict, openai-chat-strict, anthropic, mistralai',
          ),
        }),
      )
    },
  )
})
