import { describe, expect, it } from 'vitest'
import { maskSecrets } from '../../src/dev/mask-secrets.ts'

const none = { names: [] }

describe('masking', () => {
  it('takes the values of members that are called like secrets, at any depth', () => {
    const value = { user: 'ada', dbPassword: 'x', list: [{ github_token: 'y', 'api-key': { id: 1 } }], cookies: ['a'] }
    expect(maskSecrets(value, none)).toEqual({
      user: 'ada',
      dbPassword: '[redacted]',
      list: [{ github_token: '[redacted]', 'api-key': '[redacted]' }],
      cookies: '[redacted]',
    })
  })

  it('leaves numbers, switches and what is empty', () => {
    const value = { max_tokens: 5, token: null, secret: '', has_password: true }
    expect(maskSecrets(value, none)).toEqual(value)
  })

  it('takes the names that the user gives, whatever they hold, or everything', () => {
    expect(maskSecrets({ email: 'a@b', age: 5, nested: { age: 6 } }, { names: ['email', 'age'] })).toEqual({
      email: '[redacted]',
      age: '[redacted]',
      nested: { age: '[redacted]' },
    })
    expect(maskSecrets({ a: 1 }, { names: ['*'] })).toBe('[redacted]')
    expect(maskSecrets(null, { names: ['*'] })).toBe(null)
  })

  it('can be switched off, and keeps a member called __proto__ what it is', () => {
    expect(maskSecrets({ token: 'x' }, { names: [], off: true })).toEqual({ token: 'x' })
    const value = JSON.parse('{"__proto__": {"token": "x"}}')
    expect(JSON.stringify(maskSecrets(value, none))).toBe('{"__proto__":{"token":"[redacted]"}}')
  })
})
