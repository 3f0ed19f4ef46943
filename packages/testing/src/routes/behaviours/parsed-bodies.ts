import { expect } from 'vitest'
import { expectAlive, expectError } from '../expectations.ts'
import { call, get, post, postText, send } from '../http-client.ts'
import { deep, heavy, notObjects, wide } from '../json-shapes.ts'
import type { RouteBehaviour } from '../route-behaviour.ts'

const echo = '/parsed/atp/probe/echo/'
const quote = '/parsed/atp/shop/quote/'
const urlencoded = 'application/x-www-form-urlencoded'

/** Bodies that the app's own parsers read before us. */
export const parsedBodyBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'parsed.json',
    says: 'takes JSON that the app has parsed',
    rules: ['mounts.parsed', 'route.run'],
    async run(host) {
      const args = { note: { deep: [1, 'ü', null] } }
      expect(await call(host, '/parsed/atp/shop/remember/', args)).toEqual(args)
      expect(await call(host, quote, { sku: '007', quantity: 2 })).toEqual({ sku: '007', quantity: 2 })
      expect((await get(host, '/parsed/atp/')).status).toBe(200)
    },
  },
  {
    id: 'parsed.form',
    says: "converts the texts of a form that the app has parsed by the tool's schema",
    rules: ['mounts.parsed', 'route.run-form'],
    async run(host) {
      const text = 'sku=007&quantity=3&discount=0.5&gift=true&notes=a&sizes=1&sizes=2'
      expect((await postText(host, quote, text, urlencoded)).json).toEqual({
        result: { sku: '007', quantity: 3, discount: 0.5, gift: true, notes: ['a'], sizes: [1, 2] },
      })
    },
  },
  {
    id: 'parsed.multipart',
    says: "reads a multipart form that the app's parsers left alone",
    rules: ['mounts.parsed', 'route.run-form'],
    async run(host) {
      const body = new FormData()
      body.set('sku', '007')
      body.set('quantity', '3')
      const answer = await send(host, quote, { method: 'POST', body })
      expect([answer.status, answer.json]).toEqual([200, { result: { sku: '007', quantity: 3 } }])
    },
  },
  {
    id: 'parsed.empty',
    says: 'takes an empty body for {} behind parsers, too',
    rules: ['mounts.parsed', 'route.run-empty'],
    async run(host) {
      const expected = { status: 200, json: { result: { args: {}, token: null } } }
      expect(await send(host, echo, { method: 'POST' })).toMatchObject(expected)
      expect(await postText(host, echo, '', 'application/json')).toMatchObject(expected)
      expect(await postText(host, echo, '', urlencoded)).toMatchObject(expected)
    },
  },
  {
    id: 'parsed.token',
    says: "takes the end user's token out of a parsed body",
    rules: ['mounts.parsed', 'token.body'],
    async run(host) {
      const path = '/parsed/atp/contacts/share_card/'
      const expected = { args: { email: 'a@b.c' }, token: 'secret', principal: null }
      expect(await call(host, path, { email: 'a@b.c', auth_token: 'secret' })).toEqual(expected)
      const form = await postText(host, path, 'email=a%40b.c&auth_token=secret', urlencoded)
      expect(form.json).toEqual({ result: expected })
    },
  },
  {
    id: 'parsed.shape',
    says: 'refuses a parsed body that is too deep, too wide, or has __proto__ or constructor.prototype in it',
    rules: ['mounts.parsed', 'input.shape'],
    async run(host) {
      const protos = ['{"__proto__":{"a":1}}', '{"a":[{"__proto__":1}]}', '{"constructor":{"prototype":{"a":1}}}']
      for (const text of [deep(65), deep(100_000), wide(10_001), ...protos]) {
        const answer = await postText(host, echo, text, 'application/json')
        expect([text.slice(0, 60), answer.status]).toEqual([text.slice(0, 60), 400])
        expectError(answer, 400, 'invalid_json')
      }
      await expectAlive(host)
    },
  },
  {
    id: 'parsed.size',
    says: 'refuses a parsed body above 1 MiB with 413',
    rules: ['mounts.parsed', 'too-large'],
    async run(host) {
      const path = '/parsed/atp/shop/remember/'
      expect((await postText(host, path, heavy(1_048_576), 'application/json')).status).toBe(200)
      expectError(await postText(host, path, heavy(1_048_577), 'application/json'), 413, 'payload_too_large')
    },
  },
  {
    id: 'parsed.wrong-type',
    says: 'refuses other types behind parsers that left them alone with 415',
    rules: ['mounts.parsed', 'media-type'],
    async run(host) {
      for (const type of ['text/plain', 'application/xml', 'application/octet-stream']) {
        expectError(await postText(host, echo, '{"a":1}', type), 415, 'unsupported_media_type')
      }
    },
  },
  {
    id: 'parsed.not-an-object',
    says: 'refuses a parsed body that is no object with 400, and so a text that holds JSON',
    rules: ['mounts.parsed', 'bad-request'],
    async run(host) {
      for (const text of notObjects) {
        for (const path of [echo, '/parsed/atp/shop/remember/']) {
          const answer = await postText(host, path, text, 'application/json')
          expect([text, answer.status]).toEqual([text, 400])
          // Parsers may be strict themselves; of what they let through, the refusal is ours.
          if (answer.json !== undefined) expect(answer.json).toMatchObject({ code: 'invalid_params' })
        }
      }
      await expectAlive(host)
    },
  },
  {
    id: 'parsed.bad-json',
    says: 'runs nothing on a body that the parsers refuse: the caller gets 400, from the app or from us',
    rules: ['mounts.parsed', 'bad-request', 'input.cost'],
    async run(host) {
      expect((await postText(host, echo, '{"a":', 'application/json')).status).toBe(400)
      await expectAlive(host)
    },
  },
  {
    id: 'parsed.order',
    says: 'checks in the same order behind parsers',
    rules: ['mounts.parsed', 'order'],
    async run(host) {
      expectError(await post(host, '/parsed/atp/none/none/', {}), 404, 'toolkit_not_found')
      expectError(await post(host, '/parsed/atp/shop/none/', {}), 404, 'tool_not_found')
      expectError(await post(host, '/parsed/atp/shop/', {}), 405, 'method_not_allowed')
      expectError(await post(host, quote, {}), 400, 'missing_params')
      expectError(await post(host, quote, { sku: 5 }), 400, 'invalid_params')
    },
  },
]
