import { describe, expect, it } from 'vitest'
import { checkApiKey, checkWaitMs } from '../../src/clients/check-options.ts'

const refused = expect.objectContaining({ code: 'invalid_config' })

describe('checkApiKey', () => {
  it.each(['atp_llm_abc', 'x', '!~'])('takes %j', (apiKey) => {
    expect(() => checkApiKey(apiKey)).not.toThrow()
  })

  it.each(['', ' ', 'two words', 'line\nbreak', 'atp_llm_abc\n', 'clé', undefined, null, 5, {}])(
    'refuses %j without repeating it',
    (apiKey) => {
      expect(() => checkApiKey(apiKey)).toThrow(refused)
      expect(() => checkApiKey(apiKey)).toThrow(/^apiKey must be/)
      expect(() => checkApiKey(apiKey)).not.toThrow(/two words|clé|atp_llm_abc/)
    },
  )
})

describe('checkWaitMs', () => {
  it.each([undefined, 0, 1, 0.5, 2_147_483_647])('takes %j', (value) => {
    expect(() => checkWaitMs('drainTimeoutMs', value)).not.toThrow()
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2_147_483_648, '5', null])('refuses %j and names it', (value) => {
    expect(() => checkWaitMs('drainTimeoutMs', value)).toThrow(refused)
    expect(() => checkWaitMs('drainTimeoutMs', value)).toThrow(/^drainTimeoutMs must be/)
  })
})
