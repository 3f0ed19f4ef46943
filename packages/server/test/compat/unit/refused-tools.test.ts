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

it('forgets the key that came first, and no other, when there are too many', () => {
  const refused = new RefusedTools()
  for (let key = 0; key <= 10_000; key += 1) refused.add(`k${key}`, 'a')
  expect([refused.has('k0'), refused.has('k1'), refused.has('k10000')]).toEqual([false, true, true])
  refused.add('k1', 'b')
  expect(refused.has('k2')).toBe(true)
})
