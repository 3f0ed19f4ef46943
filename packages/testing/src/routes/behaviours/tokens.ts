import { expect } from 'vitest'
import { expectError } from '../expectations.ts'
import { call, post } from '../http-client.ts'
import type { RouteBehaviour } from '../route-behaviour.ts'

const share = '/public/atp/contacts/share_card/'
const create = '/public/atp/contacts/create_contact/'
const email = 'a@b.c'

/** The end user's third-party token. */
export const tokenBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'token.body',
    says: 'takes the token from body member auth_token, and out of the arguments',
    rules: ['token.body'],
    async run(host) {
      const result = await call(host, share, { email, auth_token: 'secret' })
      expect(result).toEqual({ args: { email }, token: 'secret', principal: null })
    },
  },
  {
    id: 'token.header',
    says: 'takes the token from header X-ATP-Auth-Token',
    rules: ['token.header'],
    async run(host) {
      const result = await call(host, share, { email }, { 'X-ATP-Auth-Token': 'secret' })
      expect(result).toEqual({ args: { email }, token: 'secret', principal: null })
    },
  },
  {
    id: 'token.founding',
    says: 'gives a founding tool the token as args.auth_token as well, however it came',
    rules: ['token.body', 'token.header'],
    async run(host) {
      const expected = { args: { email, auth_token: 'secret' }, token: 'secret' }
      expect(await call(host, create, { email, auth_token: 'secret' })).toEqual(expected)
      expect(await call(host, create, { email }, { 'x-atp-auth-token': 'secret' })).toEqual(expected)
    },
  },
  {
    id: 'token.missing',
    says: 'refuses a call without a token with 400, and so one with a token that is none',
    rules: ['outcome.refused', 'errors.json'],
    async run(host) {
      expectError(await post(host, create, { email }), 400, 'missing_token', /create_contact.*auth_token/)
      expectError(await post(host, create, { email, auth_token: '' }), 400, 'missing_token')
      expectError(await post(host, create, { email }, { 'x-atp-auth-token': '' }), 400, 'missing_token')
      for (const auth_token of [5, null, {}, ['secret'], true]) {
        expect((await post(host, create, { email, auth_token })).status).toBe(400)
      }
    },
  },
  {
    id: 'token.not-elsewhere',
    says: 'takes no token from the query, a cookie or Authorization',
    rules: ['token.body', 'token.header'],
    async run(host) {
      const headers = { authorization: 'Bearer secret', cookie: 'auth_token=secret' }
      expectError(await post(host, `${share}?auth_token=secret`, { email }, headers), 400, 'missing_token')
    },
  },
  {
    id: 'token.only-where-declared',
    says: 'gives no token to a tool that declares no auth, neither in its context nor in its arguments',
    rules: ['token.body', 'token.header'],
    async run(host) {
      const path = '/public/atp/probe/echo/'
      expect(await call(host, path, { a: 1, auth_token: 'secret' })).toEqual({ args: { a: 1 }, token: null })
      expect(await call(host, path, { a: 1 }, { 'x-atp-auth-token': 'secret' })).toEqual({
        args: { a: 1 },
        token: null,
      })
    },
  },
]
