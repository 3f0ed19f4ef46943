import { AtpError } from '@atp/core'
import { beforeEach, expect, it } from 'vitest'
import { KeyGuard } from '../../src/gateway/key-guard.ts'
import { makeCall } from '../support/make-call.ts'

const good = makeCall().call.key
let now: number
let guard: KeyGuard

/** Knows one key. */
const keys = {
  async authenticate(text: string) {
    if (text === 'good') return good
    throw new AtpError(text === 'other kind' ? 'forbidden' : 'unauthorized', 'refused')
  },
}

beforeEach(() => {
  now = 0
  guard = new KeyGuard({ keys, failedKeysPerMinute: 10, now: () => now, maxAddresses: 100 })
})

async function codeOf(text: string, address = '192.0.2.1'): Promise<string> {
  return guard.authenticate(text, 'llm', address).then(
    () => 'served',
    (error: AtpError) => error.code,
  )
}

async function fail(times: number, address = '192.0.2.1'): Promise<string[]> {
  return Promise.all(Array.from({ length: times }, (_, i) => codeOf(`wrong ${i}`, address)))
}

it('answers ten wrong keys of an address in a minute as wrong, and further ones with when to come back', async () => {
  expect(await fail(10)).toEqual(Array.from({ length: 10 }, () => 'unauthorized'))
  now = 20_000
  await expect(guard.authenticate('wrong', 'llm', '192.0.2.1')).rejects.toMatchObject({
    code: 'rate_limited',
    details: { retryAfterMs: 40_000 },
  })
  now = 60_000
  expect(await fail(1)).toEqual(['unauthorized'])
})

it('serves a good key of an address that showed any number of wrong ones', async () => {
  await fail(1_000)
  expect(await codeOf('good')).toBe('served')
})

it('counts each address for itself', async () => {
  await fail(11)
  expect(await codeOf('wrong', '192.0.2.2')).toBe('unauthorized')
})

it('takes neither a missing key nor a good one of another kind for an attempt', async () => {
  for (let i = 0; i < 20; i += 1) {
    expect(await codeOf('')).toBe('unauthorized')
    expect(await codeOf('other kind')).toBe('forbidden')
  }
  expect(await codeOf('wrong')).toBe('unauthorized')
})

it('counts addresses together that it has no room for, and still those it knows apart', async () => {
  for (let i = 0; i < 100; i += 1) await fail(1, `198.51.100.${i}`)
  const codes = await Promise.all(Array.from({ length: 20 }, (_, i) => codeOf('wrong', `203.0.113.${i}`)))
  expect(codes.filter((code) => code === 'rate_limited')).toHaveLength(10)
  expect(await codeOf('wrong', '198.51.100.7')).toBe('unauthorized')
})
