import { expect } from 'vitest'
import { expectAlive, expectPassedOn } from '../expectations.ts'
import { contractKeys } from '../fixtures/contract-keys.ts'
import { get, post } from '../http-client.ts'
import { raw, rawPost } from '../raw-client.ts'
import type { RouteBehaviour } from '../route-behaviour.ts'

/** Beginnings of absolute request targets, on which parsers of URLs do not agree. */
const origins = [
  'http://x',
  'http://x:80',
  'http://user@x',
  'http://x;foo',
  "http://x'",
  'http://x%2f',
  'http://x\\',
  'http://',
  'http:',
  'HTTPS://',
  'HTTPS://x',
  'HtTp://x;foo',
  'ws://x',
] as const

/** Request targets in the absolute form, which is for proxies (RFC 9112, 3.2.2). */
export const absoluteTargetBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'absolute.passes-no-guard',
    says: "never leads around the app's guard by an absolute request target",
    rules: ['input.paths', 'authorize.host', 'authorize.both'],
    socket: true,
    async run(host) {
      const headers = { authorization: `Bearer ${contractKeys.first}` }
      const asked = await rawPost(host, '/host/atp/shop/remember', { note: 1 }, { 'x-session': 'valid' })
      expect(asked?.status).toBe(200)
      for (const origin of origins) {
        for (const mount of ['/host', '/both']) {
          for (const target of [
            `${origin}${mount}/atp/shop/remember`,
            `${origin}/public/..${mount}/atp/shop/remember`,
            `${mount}${origin}/atp/shop/remember`,
            `${mount}/${origin}/atp/shop/remember`,
          ]) {
            const answer = await rawPost(host, target, { note: 1 }, headers)
            expect([target, answer?.status]).not.toEqual([target, 200])
          }
        }
      }
      await expectAlive(host)
    },
  },
  {
    id: 'absolute.read-like-the-app',
    says: 'runs a tool by an absolute request target at most where the app finds its own routes by it, too',
    rules: ['input.paths', 'mounts.own-routes'],
    socket: true,
    async run(host) {
      const asked = await rawPost(host, '/atp/home/remember', { note: 1 })
      expect(asked?.status).toBe(200)
      for (const origin of origins) {
        const own = await rawPost(host, `${origin}/own-route`, {})
        const ours = await rawPost(host, `${origin}/atp/home/remember`, { note: 1 })
        if (own?.body !== 'posted') expect([origin, ours?.status]).not.toEqual([origin, 200])
      }
      await expectAlive(host)
    },
  },
  {
    id: 'absolute.survived',
    says: 'takes an odd absolute request target for a mistake of the caller, at most',
    rules: ['input.cost'],
    socket: true,
    async run(host) {
      for (const origin of origins) {
        const lines = [`GET ${origin}/public/utcp HTTP/1.1`, 'host: x', 'connection: close']
        const [answer] = await raw(host, `${lines.join('\r\n')}\r\n\r\n`)
        // A platform may also close without a word.
        expect([origin, answer?.status ?? 400]).toSatisfy(([, status]) => status < 500)
      }
      await expectAlive(host)
    },
  },
  {
    id: 'absolute.below-a-prefix',
    says: 'finds nothing of ours where an address stands between the prefix and /atp/',
    rules: ['mounts.prefix', 'pass-on', 'input.paths'],
    async run(host) {
      await expectAlive(host)
      for (const mount of ['/public', '/nested/deeper']) {
        for (const path of [`${mount}http://x/atp/shop/remember`, `${mount}/http://x/atp/shop/remember`]) {
          expectPassedOn(await get(host, path))
          expectPassedOn(await post(host, path, { note: 1 }))
        }
      }
    },
  },
]
