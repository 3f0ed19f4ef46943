import { expect, it } from 'vitest'
import { RecentKeys } from '../../src/keys/recent-keys.ts'
import type { StoredKeyWithHash } from '../../src/store/store.ts'

const key: StoredKeyWithHash = {
  id: 'k1',
  projectId: 'p',
  kind: 'llm',
  name: '',
  toolkitId: null,
  createdAt: 0,
  expiresAt: null,
  revokedAt: null,
  hash: 'h1',
}

it('knows a key for a while, and not longer', () => {
  let now = 5
  const keys = new RecentKeys(1_000, () => now)
  keys.remember(key, keys.ask())
  expect(keys.find('h1')).toEqual(key)
  now = 1_005
  expect(keys.find('h1')).toBeUndefined()
})

it('forgets a key that was revoked, and no other one', () => {
  const keys = new RecentKeys(1_000)
  keys.remember(key, keys.ask())
  keys.remember({ ...key, id: 'k2', hash: 'h2' }, keys.ask())
  keys.forget('k1')
  expect([keys.find('h1'), keys.find('h2')?.id]).toEqual([undefined, 'k2'])
})

it('does not remember a toolkit key that stands for no toolkit yet', () => {
  const keys = new RecentKeys(1_000)
  keys.remember({ ...key, kind: 'toolkit' }, keys.ask())
  expect(keys.find('h1')).toBeUndefined()
  keys.remember({ ...key, kind: 'toolkit', toolkitId: 't' }, keys.ask())
  expect(keys.find('h1')).toBeDefined()
})

it('counts from the moment the store was asked, however long it took', () => {
  let now = 5
  const keys = new RecentKeys(1_000, () => now)
  const question = keys.ask()
  now = 905
  keys.remember(key, question)
  expect(keys.find('h1')).toBeDefined()
  now = 1_005
  expect(keys.find('h1')).toBeUndefined()
})

it('does not remember what the store answered before a key was revoked', () => {
  const keys = new RecentKeys(1_000)
  const question = keys.ask()
  keys.forget('k1')
  expect(keys.isOutdated(question)).toBe(true)
  keys.remember(key, question)
  expect(keys.find('h1')).toBeUndefined()
})
