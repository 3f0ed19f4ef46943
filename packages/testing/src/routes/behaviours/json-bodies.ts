import { expect } from 'vitest'
import { expectAlive, expectError } from '../expectations.ts'
import { type Answer, call, post, postText, send } from '../http-client.ts'
import { deep, notObjects, wide } from '../json-shapes.ts'
import type { RouteBehaviour, RoutesHost } from '../route-behaviour.ts'

const echo = '/public/atp/probe/echo/'
const remember = '/public/atp/shop/remember/'

/** Arguments as JSON. */
export const jsonBodyBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'run.result',
    says: 'runs a tool with the arguments in the body and answers exactly {result}',
    rules: ['route.run'],
    async run(host) {
      const answer = await post(host, '/public/atp/shop/find_products/', { query: 'lamp', limit: 1 })
      expect(answer.status).toBe(200)
      expect(answer.json).toEqual({ result: { products: [{ sku: 'lamp-1', name: 'Desk lamp', price: 39.5 }] } })
      expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
    },
  },
  {
    id: 'run.schema-converts',
    says: 'gives the handler what the schema made of the arguments, defaults included',
    rules: ['route.run'],
    async run(host) {
      const answer = await call(host, '/public/atp/shop/find_products/', { query: 'LAMP', tags: ['desk'], more: 1 })
      expect(answer).toMatchObject({ products: [{ sku: 'lamp-1' }] })
    },
  },
  {
    id: 'run.any-json',
    says: 'gives a tool without types any JSON, unchanged',
    rules: ['route.run'],
    async run(host) {
      const args = { note: { deep: [1, 2.5, true, null, '', 'ü€😀\u2028'] }, author: null }
      expect(await call(host, remember, args)).toEqual(args)
    },
  },
  {
    id: 'json.media-types',
    says: 'reads application/json and application/*+json, in UTF-8 or without a charset, in any letters',
    rules: ['route.run', 'media-type'],
    async run(host) {
      const types = ['application/json', 'application/json; charset=utf-8', 'application/json;charset="UTF-8"']
      for (const type of [...types, 'Application/JSON; Charset=Utf-8', 'application/vnd.shop+json']) {
        const answer = await postText(host, remember, '{"note":"Grün 🪑"}', type)
        expect([type, answer.status, answer.json]).toEqual([type, 200, { result: { note: 'Grün 🪑' } }])
      }
    },
  },
  {
    id: 'json.other-charset',
    says: 'refuses JSON in another charset with 415',
    rules: ['media-type'],
    async run(host) {
      for (const charset of ['utf-16', 'iso-8859-1', 'nonsense']) {
        const answer = await postText(host, echo, '{"a":1}', `application/json; charset=${charset}`)
        expectError(answer, 415, 'unsupported_media_type')
      }
    },
  },
  {
    id: 'json.long-type',
    says: 'refuses a content type with thousands of spaces in it, without long thought',
    rules: ['media-type', 'input.cost'],
    async run(host) {
      const spaces = ' '.repeat(4_000)
      for (const type of [
        `application/json; charset=${spaces}x`,
        `application/json; charset=${spaces}"x"y`,
        `application/json; charset${spaces}=${spaces}"x`,
        `application/json;${spaces}charset=x${spaces}"x`,
        `application/x-www-form-urlencoded; charset=utf${spaces}8`,
      ]) {
        expectError(await postText(host, echo, '{"a":1}', type), 415, 'unsupported_media_type')
        // A parser of the app may refuse it before us, with a page of the app's.
        expect((await postText(host, '/parsed/atp/probe/echo/', '{"a":1}', type)).status).toBe(415)
      }
      await expectAlive(host)
    },
  },
  {
    id: 'json.wrong-type',
    says: 'refuses a body of another type with 415',
    rules: ['media-type', 'errors.json'],
    async run(host) {
      const types = ['text/plain', 'text/plain; charset=utf-8', 'application/xml', 'application/octet-stream']
      for (const type of [...types, 'text/html', 'application/jsonx', 'json', 'text/json+x']) {
        expectError(await postText(host, echo, '{"a":1}', type), 415, 'unsupported_media_type')
      }
    },
  },
  {
    id: 'json.empty',
    says: 'takes an empty body for {}, whatever its type says',
    rules: ['route.run-empty'],
    async run(host) {
      const expected = { status: 200, json: { result: { args: {}, token: null } } }
      expect(await send(host, echo, { method: 'POST' })).toMatchObject(expected)
      for (const type of ['application/json', 'application/json; charset=utf-8', 'application/x-www-form-urlencoded']) {
        expect(await postText(host, echo, '', type)).toMatchObject(expected)
      }
    },
  },
  {
    id: 'json.empty-chunked',
    says: 'takes a chunked body without chunks for {}',
    rules: ['route.run-empty'],
    async run(host) {
      const body = new ReadableStream({ start: (controller) => controller.close() })
      const answer = await send(host, echo, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      expect(answer).toMatchObject({ status: 200, json: { result: { args: {} } } })
    },
  },
  {
    id: 'json.empty-chunked-untyped',
    says: 'takes a chunked body without chunks for {} without a content type, too, and refuses one with chunks',
    rules: ['route.run-empty', 'media-type', 'mounts.parsed'],
    async run(host) {
      for (const mount of ['/public', '/parsed']) {
        const answers = [await postChunks(host, mount, []), await postChunks(host, mount, ['{"a":1}'])]
        expect([mount, ...answers.map(({ status }) => status)]).toEqual([mount, 200, 415])
        expect(answers[0]?.json).toMatchObject({ result: { args: {} } })
      }
    },
  },
  {
    id: 'json.bad',
    says: 'refuses a body that is not JSON with 400 invalid_json',
    rules: ['bad-request', 'errors.json', 'input.cost'],
    async run(host) {
      for (const text of ['{', '{"a":}', 'nope', '{"a":1}x', "{'a':1}", '{"a":1,}', '{"a":"\u0000"}', '[']) {
        const answer = await postText(host, echo, text, 'application/json')
        expectError(answer, 400, 'invalid_json')
      }
    },
  },
  {
    id: 'json.not-an-object',
    says: 'refuses JSON that is no object with 400, and so a text that holds JSON',
    rules: ['bad-request', 'errors.json'],
    async run(host) {
      for (const text of notObjects) {
        for (const path of [echo, remember]) {
          const answer = await postText(host, path, text, 'application/json')
          expect([text, answer.status]).toEqual([text, 400])
          expectError(answer, 400, 'invalid_params')
        }
      }
    },
  },
  {
    id: 'json.depth',
    says: 'takes JSON nested 64 deep, and refuses 65 and 100,000',
    rules: ['input.shape'],
    async run(host) {
      const noteOf = (levels: number): string => `{"note":${deep(levels - 1)}}`
      expect((await postText(host, remember, noteOf(64), 'application/json')).status).toBe(200)
      for (const levels of [65, 100_000]) {
        expectError(await postText(host, remember, noteOf(levels), 'application/json'), 400, 'invalid_json')
      }
      await expectAlive(host)
    },
  },
  {
    id: 'json.members',
    says: 'takes 10,000 members and refuses 10,001',
    rules: ['input.shape'],
    async run(host) {
      expect((await postText(host, echo, wide(10_000), 'application/json')).status).toBe(200)
      expectError(await postText(host, echo, wide(10_001), 'application/json'), 400, 'invalid_json')
    },
  },
  {
    id: 'json.proto',
    says: 'refuses __proto__ at any depth and in any spelling',
    rules: ['input.shape'],
    async run(host) {
      for (const text of [
        '{"__proto__":{"polluted":true}}',
        '{"note":[{"__proto__":1}]}',
        '{"\\u005f_proto__":{"polluted":true}}',
        '{"a":{"b":{"__proto__":null}}}',
      ]) {
        expectError(await postText(host, echo, text, 'application/json'), 400, 'invalid_json')
      }
    },
  },
  {
    id: 'json.constructor-prototype',
    says: 'refuses constructor.prototype, and takes other members called constructor',
    rules: ['input.shape', 'input.names'],
    async run(host) {
      for (const text of [
        '{"constructor":{"prototype":{"polluted":true}}}',
        '{"a":[{"constructor":{"prototype":1}}]}',
      ]) {
        expectError(await postText(host, echo, text, 'application/json'), 400, 'invalid_json')
      }
      const args = { constructor: { name: 'x' }, prototype: 1 }
      expect(await call(host, echo, args)).toMatchObject({ args })
    },
  },
  {
    id: 'params.missing',
    says: 'refuses missing parameters with 400 and names them',
    rules: ['outcome.refused', 'errors.json'],
    async run(host) {
      const answer = await post(host, '/public/atp/shop/quote/', { quantity: 1 })
      expectError(answer, 400, 'missing_params', 'Missing required parameters: sku')
      expectError(await post(host, remember, { author: 'x' }), 400, 'missing_params', /note/)
    },
  },
  {
    id: 'params.invalid',
    says: 'refuses bad values with 400 and tells where they are',
    rules: ['outcome.refused', 'errors.json'],
    async run(host) {
      const zod = await post(host, '/public/atp/shop/find_products/', { query: 'x', limit: 'many' })
      expectError(zod, 400, 'invalid_params', /limit/)
      expect(zod.json).toMatchObject({ details: { issues: [{ path: 'limit' }] } })
      for (const wrong of [{ quantity: 0 }, { quantity: 1.5 }, { gift: 'yes' }, { color: 'red' }]) {
        expectError(await post(host, '/public/atp/shop/quote/', { sku: 'x', ...wrong }), 400, 'invalid_params')
      }
    },
  },
]

/** Sends a body in pieces, with no word of its type. */
function postChunks(host: RoutesHost, mount: string, pieces: readonly string[]): Promise<Answer> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece))
      controller.close()
    },
  })
  return send(host, `${mount}/atp/probe/echo/`, { method: 'POST', body })
}
