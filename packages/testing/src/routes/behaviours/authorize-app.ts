import { expect } from 'vitest'
import { expectError } from '../expectations.ts'
import { contractKeys } from '../fixtures/contract-keys.ts'
import { type Answer, call, get, post, type RequestHeaders, send } from '../http-client.ts'
import type { RouteBehaviour } from '../route-behaviour.ts'

const sku = { sku: 'lamp-1' }
const documents = ['/atp/', '/atp/shop/', '/atp/shop/quote/', '/utcp', '/atp/openapi.json']
const session = { 'x-session': 'valid' }

/** The app decides: its guards, and its own function. */
export const appBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'host.guard-lets-in',
    says: "lets in whom the app's guard lets in, and asks for no key",
    rules: ['authorize.host'],
    async run(host) {
      expect(await call(host, '/host/atp/shop/quote/', sku, session)).toEqual(sku)
      for (const path of documents) expect((await get(host, `/host${path}`, session)).status).toBe(200)
    },
  },
  {
    id: 'host.guard-keeps-out',
    says: "never answers whom the app's guard keeps out, metadata included",
    rules: ['authorize.host', 'mounts.own-routes'],
    async run(host) {
      for (const headers of [{}, { 'x-session': 'stale' }] as RequestHeaders[]) {
        expect((await post(host, '/host/atp/shop/quote/', sku, headers)).status).toBe(403)
        for (const path of documents) expect((await get(host, `/host${path}`, headers)).status).toBe(403)
      }
    },
  },
  {
    id: 'both.guard-and-key',
    says: 'asks for the key as well where the mount names keys and the app has a guard',
    rules: ['authorize.both'],
    async run(host) {
      const authorization = `Bearer ${contractKeys.first}`
      const path = '/both/atp/shop/quote/'
      expect((await post(host, path, sku)).status).toBe(403)
      expect((await post(host, path, sku, { authorization })).status).toBe(403)
      expectError(await post(host, path, sku, session), 401, 'unauthorized')
      expect(await call(host, path, sku, { ...session, authorization })).toEqual(sku)
    },
  },
  {
    id: 'function.decides',
    says: 'runs a tool when the function says true, even later than at once, and answers 401 when it says false',
    rules: ['authorize.function', 'unauthorized'],
    async run(host) {
      const path = '/custom/atp/shop/quote/'
      expect(await call(host, path, sku, { 'x-role': 'admin' })).toEqual(sku)
      for (const role of ['reader', 'nobody', '']) {
        expectError(await post(host, path, sku, { 'x-role': role }), 401, 'unauthorized')
      }
      expectError(await post(host, path, sku), 401, 'unauthorized')
    },
  },
  {
    id: 'function.closes-metadata',
    says: 'tells metadata only to whom the function lets read',
    rules: ['authorize.metadata', 'authorize.function'],
    async run(host) {
      for (const path of documents) {
        expectError(await get(host, `/custom${path}`), 401, 'unauthorized')
        expect((await send(host, `/custom${path}`, { method: 'HEAD' })).status).toBe(401)
        expect((await get(host, `/custom${path}`, { 'x-role': 'reader' })).status).toBe(200)
        expect((await get(host, `/custom${path}`, { 'x-role': 'admin' })).status).toBe(200)
      }
    },
  },
  {
    id: 'function.head-as-get',
    says: 'answers HEAD wherever GET passes a function that opens metadata, and still runs nothing',
    rules: ['authorize.metadata', 'authorize.function', 'head'],
    async run(host) {
      for (const path of ['/atp', '/atp/probe', '/atp/probe/context', '/atp/contacts/share_card/', '/utcp']) {
        const [asked, told] = [
          await send(host, `/principal${path}`, { method: 'HEAD' }),
          await get(host, `/principal${path}`),
        ]
        expect([path, asked.status, asked.text, told.status]).toEqual([path, 200, '', 200])
      }
      expectError(await post(host, '/principal/atp/probe/context/', {}), 401, 'unauthorized')
      for (const path of documents) {
        const headers = { 'x-role': 'reader' }
        expect((await send(host, `/custom${path}`, { method: 'HEAD', headers })).status).toBe(200)
      }
    },
  },
  {
    id: 'function.forbids',
    says: 'answers an AtpError that the function throws with its own status and words',
    rules: ['authorize.function', 'errors.json'],
    async run(host) {
      const headers = { 'x-role': 'banned' }
      const path = '/custom/atp/shop/quote/'
      const answers = [await post(host, path, sku, headers), await get(host, path, headers)]
      for (const answer of answers) expectError(answer, 403, 'forbidden', 'You were banned from the shop')
    },
  },
  {
    id: 'function.breaks',
    says: 'runs nothing and shows nothing when the function itself breaks',
    rules: ['authorize.function', 'outcome.defect', 'errors.masked'],
    async run(host) {
      const headers = { 'x-role': 'broken' }
      const path = '/custom/atp/shop/quote/'
      for (const answer of [await post(host, path, sku, headers), await get(host, path, headers)]) {
        expectError(answer, 500, 'internal_error')
        expect(answer.text).not.toContain('hunter2')
      }
    },
  },
  {
    id: 'function.asked-once',
    says: 'asks the function once for each request, with the tool where one is to run',
    rules: ['authorize.function'],
    async run(host) {
      const trace = crypto.randomUUID()
      const headers = { 'x-role': 'admin', 'x-trace': trace }
      await get(host, '/custom/atp/', headers)
      await get(host, '/custom/utcp', headers)
      await call(host, '/custom/atp/shop/quote/', sku, headers)
      expect(await call(host, '/custom/atp/asked/list/', { trace }, { 'x-role': 'admin' })).toEqual([
        { method: 'GET', tool: null },
        { method: 'GET', tool: null },
        { method: 'POST', tool: 'quote' },
      ])
    },
  },
  {
    id: 'function.not-asked',
    says: 'asks the function neither for OPTIONS nor for what is not there',
    rules: ['authorize.function', 'order', 'options'],
    async run(host) {
      const trace = crypto.randomUUID()
      const headers = { 'x-trace': trace }
      await send(host, '/custom/atp/shop/quote/', { method: 'OPTIONS', headers })
      await send(host, '/custom/atp/shop/quote/', { method: 'PUT', headers })
      await post(host, '/custom/atp/shop/none/', {}, headers)
      expect(await call(host, '/custom/atp/asked/list/', { trace }, { 'x-role': 'admin' })).toEqual([])
    },
  },
  {
    id: 'principal.reaches-tool',
    says: 'gives the tool the principal that the function returned',
    rules: ['authorize.principal'],
    async run(host) {
      const result = await call(host, '/principal/atp/probe/context/', {}, { 'x-user': 'bob' })
      expect(result).toMatchObject({ principal: { id: 'bob' } })
      expectError(await post(host, '/principal/atp/probe/context/', {}), 401, 'unauthorized')
    },
  },
  {
    id: 'principal.none',
    says: 'gives the tool no principal where no function returned one',
    rules: ['authorize.principal', 'authorize.public'],
    async run(host) {
      expect(await call(host, '/public/atp/probe/context/', {})).toMatchObject({ principal: null })
    },
  },
  {
    id: 'principal.token',
    says: "takes the principal's token for the end user's where the caller sends none",
    rules: ['authorize.principal'],
    async run(host) {
      const headers = { 'x-user': 'ann' }
      const shared = await call(host, '/principal/atp/contacts/share_card/', {}, headers)
      expect(shared).toMatchObject({ token: 'token-of-ann', principal: { id: 'ann' } })
      const founding = await call(host, '/principal/atp/contacts/create_contact/', { email: 'a@b.c' }, headers)
      expect(founding).toEqual({ args: { email: 'a@b.c', auth_token: 'token-of-ann' }, token: 'token-of-ann' })
    },
  },
  {
    id: 'principal.caller-first',
    says: 'prefers a token that the caller sends to the one of the principal',
    rules: ['authorize.principal', 'token.body', 'token.header'],
    async run(host) {
      const path = '/principal/atp/contacts/share_card/'
      const byHeader = await call(host, path, {}, { 'x-user': 'ann', 'x-atp-auth-token': 'sent' })
      expect(byHeader).toMatchObject({ token: 'sent' })
      const byBody = await call(host, path, { auth_token: 'sent' }, { 'x-user': 'ann' })
      expect(byBody).toMatchObject({ token: 'sent' })
    },
  },
  {
    id: 'principal.no-token',
    says: 'misses the token of a principal that has none',
    rules: ['authorize.principal', 'outcome.refused'],
    async run(host) {
      const answer: Answer = await post(host, '/principal/atp/contacts/share_card/', {}, { 'x-user': 'bob' })
      expectError(answer, 400, 'missing_token')
    },
  },
]
