import { expect } from 'vitest'
import { expectError } from '../expectations.ts'
import { contractKeys } from '../fixtures/contract-keys.ts'
import { type Answer, get, post, postText, type RequestHeaders } from '../http-client.ts'
import type { RouteBehaviour, RoutesHost } from '../route-behaviour.ts'

const sku = { sku: 'lamp-1' }
const documents = ['/atp/', '/atp/shop/', '/atp/shop/quote/', '/utcp', '/atp/openapi.json']

/** Keys: the mount's, the toolkit's own, and none. */
export const keyBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'public.open',
    says: 'lets everybody run tools of a public mount, with or without a key',
    rules: ['authorize.public'],
    async run(host) {
      expect((await run(host, '/public')).status).toBe(200)
      expect((await run(host, '/public', 'Bearer whatever')).status).toBe(200)
    },
  },
  {
    id: 'closed.default',
    says: 'lets nobody run tools where no key is known, and names the option that opens them',
    rules: ['authorize.closed', 'authorize.unknown', 'unauthorized', 'errors.json'],
    async run(host) {
      for (const header of [undefined, 'Bearer some-key']) {
        const answer = await run(host, '/bare', header)
        expectError(answer, 401, 'unauthorized', /authorize/)
        expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer\b/)
      }
    },
  },
  {
    id: 'closed.no-key-is-no-key',
    says: 'takes nothing for the key of a toolkit that has none',
    rules: ['authorize.closed', 'authorize.unknown'],
    async run(host) {
      for (const header of ['Bearer', 'Bearer ', 'Bearer undefined', 'Bearer null', 'Bearer ,', 'undefined', '']) {
        expectError(await run(host, '/bare', header), 401, 'unauthorized')
      }
    },
  },
  {
    id: 'keys.right',
    says: 'takes each of the keys',
    rules: ['authorize.keys'],
    async run(host) {
      for (const key of [contractKeys.first, contractKeys.second]) {
        const answer = await run(host, '/keys', `Bearer ${key}`)
        expect([answer.status, answer.json]).toEqual([200, { result: sku }])
      }
    },
  },
  {
    id: 'keys.wrong',
    says: 'refuses every other key with 401 and WWW-Authenticate',
    rules: ['authorize.keys', 'unauthorized', 'errors.json'],
    async run(host) {
      const { first } = contractKeys
      const wrong = ['nonsense', first.slice(0, -1), `${first}x`, first.toUpperCase(), `${first},${first}`, 'undefined']
      for (const key of [...wrong, '']) {
        const answer = await run(host, '/keys', `Bearer ${key}`)
        expectError(answer, 401, 'unauthorized')
        expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer\b/)
      }
    },
  },
  {
    id: 'keys.missing',
    says: 'refuses a request without a key with 401 and WWW-Authenticate',
    rules: ['authorize.closed', 'authorize.keys', 'unauthorized'],
    async run(host) {
      const answer = await run(host, '/keys')
      expectError(answer, 401, 'unauthorized')
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer\b/)
    },
  },
  {
    id: 'keys.only-bearer',
    says: 'looks for the key nowhere but in Authorization: Bearer',
    rules: ['authorize.keys'],
    async run(host) {
      const { first } = contractKeys
      const path = '/keys/atp/shop/quote/'
      expectError(await run(host, '/keys', first), 401, 'unauthorized')
      expectError(await run(host, '/keys', `Basic ${btoa(`user:${first}`)}`), 401, 'unauthorized')
      expectError(await post(host, path, { ...sku, api_key: first }), 401, 'unauthorized')
      expectError(await post(host, `${path}?api_key=${first}`, sku), 401, 'unauthorized')
      expectError(await post(host, path, sku, { 'x-api-key': first, cookie: `key=${first}` }), 401, 'unauthorized')
      expectError(await post(host, path, sku, { 'x-atp-auth-token': first }), 401, 'unauthorized')
    },
  },
  {
    id: 'keys.one-answer',
    says: 'answers all wrong keys in the same words',
    rules: ['unauthorized'],
    async run(host) {
      const answers = [await run(host, '/keys', 'Bearer a'), await run(host, '/keys', `Bearer ${contractKeys.toolkit}`)]
      for (const answer of answers) expectError(answer, 401, 'unauthorized')
      const [one, other] = answers.map(({ json }) => ({ ...(json as object), request_id: '' }))
      expect(one).toEqual(other)
    },
  },
  {
    id: 'keys.instead-of-own',
    says: "refuses the toolkit's own key where other keys are named",
    rules: ['authorize.own-key', 'authorize.keys'],
    async run(host) {
      expectError(await run(host, '/keys', `Bearer ${contractKeys.toolkit}`), 401, 'unauthorized')
    },
  },
  {
    id: 'own.toolkit',
    says: "takes a toolkit's own key where no others are named",
    rules: ['authorize.own-key'],
    async run(host) {
      expect(await tellName(host, 'north', contractKeys.north)).toMatchObject({
        status: 200,
        json: { result: 'north' },
      })
    },
  },
  {
    id: 'own.toolkit-client',
    says: "takes a toolkit client's own key, and serves it without a connection",
    rules: ['authorize.own-key'],
    async run(host) {
      expect(await tellName(host, 'south', contractKeys.south)).toMatchObject({
        status: 200,
        json: { result: 'south' },
      })
    },
  },
  {
    id: 'own.not-of-another',
    says: "refuses one toolkit's key for another toolkit",
    rules: ['authorize.own-key', 'unauthorized'],
    async run(host) {
      expectError(await tellName(host, 'south', contractKeys.north), 401, 'unauthorized')
      expectError(await tellName(host, 'north', contractKeys.south), 401, 'unauthorized')
      expectError(await tellName(host, 'unkeyed', contractKeys.north), 401, 'unauthorized', /authorize/)
    },
  },
  {
    id: 'metadata.open',
    says: 'tells metadata to everybody where running is closed',
    rules: ['authorize.metadata'],
    async run(host) {
      for (const mount of ['/keys', '/bare']) {
        for (const path of documents) expect((await get(host, mount + path)).status).toBe(200)
      }
      expect((await get(host, '/own/atp/north/tell_name/')).status).toBe(200)
      expect((await get(host, '/keys/atp/', { authorization: 'Bearer wrong' })).status).toBe(200)
    },
  },
  {
    id: 'keys.stay-inside',
    says: 'never shows a key, neither in metadata nor in refusals',
    rules: ['authorize.closed', 'unauthorized'],
    async run(host) {
      const answers = [
        await run(host, '/keys', 'Bearer wrong-key'),
        await tellName(host, 'north', 'wrong-key'),
        await postText(host, '/keys/atp/shop/quote/', '{', 'application/json', { authorization: 'Bearer wrong-key' }),
      ]
      expect(answers.map(({ status }) => status)).toEqual([401, 401, 401])
      for (const path of documents) answers.push(await get(host, `/keys${path}`))
      for (const path of ['/own/atp/', '/own/atp/north/', '/own/utcp', '/own/atp/openapi.json']) {
        answers.push(await get(host, path))
      }
      expect(answers.slice(3).filter(({ status }) => status !== 200)).toEqual([])
      for (const { text } of answers) {
        for (const key of [...Object.values(contractKeys), 'wrong-key']) expect(text).not.toContain(key)
      }
    },
  },
]

function run(host: RoutesHost, mount: string, authorization?: string): Promise<Answer> {
  const headers: RequestHeaders = authorization === undefined ? {} : { authorization }
  return post(host, `${mount}/atp/shop/quote/`, sku, headers)
}

function tellName(host: RoutesHost, toolkit: string, key: string): Promise<Answer> {
  return post(host, `/own/atp/${toolkit}/tell_name/`, {}, { authorization: `Bearer ${key}` })
}
