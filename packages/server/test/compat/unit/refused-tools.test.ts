import { expect, it } from 'vitest'
import { RefusedTools } from '../../../src/compat/refused-tools.ts'

it('remembers what a key could not register until it is registered, the key begins anew, or ten minutes have passed', () => {
  let now = 0
  const refused = new RefusedTools(() => now)
  refused.add('k', 'a')
  refused.add('k', 'b')
  expect([refused.has('k'), refused.has('other')]).toEqual([true, false])
  refused.remove('k', 'a')
  expect(refused.has('k')).toBe(true)
  refused.remove('k', 'b')
  expect(refused.has('k')).toBe(false)
  refused.add('k', 'a')
  refused.forget('k')
  expect(refused.has('k')).toBe(false)
  refused.add('k', 'a')
  now = 600_000
  expect(refused.has('k')).toBe(true)
  now = 600_001
  expect(refused.has('k')).toBe(false)
})
