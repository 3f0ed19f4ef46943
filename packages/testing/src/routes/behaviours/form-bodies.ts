import { expect } from 'vitest'
import { expectAlive, expectCheapRefusal, expectError } from '../expectations.ts'
import { type Answer, postText, send } from '../http-client.ts'
import type { RouteBehaviour, RoutesHost } from '../route-behaviour.ts'

const urlencoded = 'application/x-www-form-urlencoded'
const quote = '/public/atp/shop/quote/'
const typed = { sku: '007', quantity: 3, discount: 0.5, gift: true, notes: ['a', 'b & c'], sizes: [1, 2] }
const fields = 'sku=007&quantity=3&discount=0.5&gift=true&notes=a&notes=b+%26+c&sizes=1&sizes=2'

/** Arguments as forms. */
export const formBodyBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'form.urlencoded',
    says: "converts the texts of a form by the tool's schema",
    rules: ['route.run-form'],
    async run(host) {
      const answer = await postText(host, quote, fields, urlencoded)
      expect([answer.status, answer.json]).toEqual([200, { result: typed }])
    },
  },
  {
    id: 'form.multipart',
    says: 'converts the text fields of a multipart form in the same way',
    rules: ['route.run-form'],
    async run(host) {
      const answer = await postForm(host, quote, [...new URLSearchParams(fields)])
      expect([answer.status, answer.json]).toEqual([200, { result: typed }])
    },
  },
  {
    id: 'form.single-item',
    says: 'makes a list of the only value of a list parameter',
    rules: ['route.run-form'],
    async run(host) {
      const expected = { result: { sku: 'x', notes: ['only'], sizes: [7] } }
      expect((await postText(host, quote, 'sku=x&notes=only&sizes=7', urlencoded)).json).toEqual(expected)
      const pairs: [string, string][] = [
        ['sku', 'x'],
        ['notes', 'only'],
        ['sizes', '7'],
      ]
      expect((await postForm(host, quote, pairs)).json).toEqual(expected)
    },
  },
  {
    id: 'form.nullable',
    says: 'converts values that may be null by the other type they may have',
    rules: ['route.run-form', 'mounts.parsed'],
    async run(host) {
      for (const [text, sizes] of [
        ['quantity=3&gift=true&note=5&sizes=1&sizes=2', [1, 2]],
        ['quantity=3&gift=true&note=5&sizes=7', [7]],
      ] as const) {
        const expected = { result: { quantity: 3, gift: true, note: '5', sizes } }
        for (const mount of ['/public', '/parsed']) {
          expect((await postText(host, `${mount}/atp/shop/reserve/`, text, urlencoded)).json).toEqual(expected)
        }
        const form = await postForm(host, '/public/atp/shop/reserve/', [...new URLSearchParams(text)])
        expect(form.json).toEqual(expected)
      }
      const bad = await postText(host, '/public/atp/shop/reserve/', 'quantity=x&gift=true&note=a&sizes=1', urlencoded)
      expectError(bad, 400, 'invalid_params')
    },
  },
  {
    id: 'form.charset',
    says: 'reads forms as UTF-8',
    rules: ['route.run-form'],
    async run(host) {
      const path = '/public/atp/shop/remember/'
      const text = 'note=Gr%C3%BCn+%F0%9F%AA%91'
      for (const type of [urlencoded, `${urlencoded}; charset=utf-8`, `${urlencoded};charset=UTF-8`]) {
        expect((await postText(host, path, text, type)).json).toEqual({ result: { note: 'Grün 🪑' } })
      }
      expect((await postForm(host, path, [['note', 'Grün 🪑\r\nzwei']])).json).toEqual({
        result: { note: 'Grün 🪑\r\nzwei' },
      })
    },
  },
  {
    id: 'form.texts-stay',
    says: 'leaves texts alone where the schema says string or nothing of types',
    rules: ['route.run-form'],
    async run(host) {
      const answer = await postText(host, '/public/atp/shop/remember/', 'note=5&author=true', urlencoded)
      expect(answer.json).toEqual({ result: { note: '5', author: 'true' } })
    },
  },
  {
    id: 'form.bad-value',
    says: 'refuses form values that do not fit with 400',
    rules: ['route.run-form', 'outcome.refused'],
    async run(host) {
      for (const bad of [
        'quantity=many',
        'quantity=1.5',
        'gift=perhaps',
        'discount=x',
        'discount=1e999',
        'sizes=1&sizes=b',
      ]) {
        expectError(await postText(host, quote, `sku=x&${bad}`, urlencoded), 400, 'invalid_params')
      }
      expectError(await postText(host, quote, 'quantity=1', urlencoded), 400, 'missing_params')
    },
  },
  {
    id: 'form.token',
    says: "takes the end user's token out of a form",
    rules: ['route.run-form', 'token.body'],
    async run(host) {
      const path = '/public/atp/contacts/share_card/'
      const expected = { result: { args: { email: 'a@b.c' }, token: 'secret', principal: null } }
      expect((await postText(host, path, 'email=a%40b.c&auth_token=secret', urlencoded)).json).toEqual(expected)
      const pairs: [string, string][] = [
        ['email', 'a@b.c'],
        ['auth_token', 'secret'],
      ]
      expect((await postForm(host, path, pairs)).json).toEqual(expected)
    },
  },
  {
    id: 'form.names',
    says: 'takes form fields called constructor like any other, and refuses __proto__',
    rules: ['input.names', 'input.shape'],
    async run(host) {
      const path = '/tricky/atp/constructor/constructor/'
      const answer = await postText(host, path, 'constructor=a&toString=b', urlencoded)
      expect(answer.json).toMatchObject({ result: { args: { constructor: 'a', toString: 'b' } } })
      expectError(await postText(host, path, '__proto__=x', urlencoded), 400, 'invalid_json')
      expectError(await postForm(host, path, [['__proto__', 'x']]), 400, 'invalid_json')
    },
  },
  {
    id: 'form.members',
    says: 'refuses forms with more than 10,000 values',
    rules: ['input.shape'],
    async run(host) {
      const text = Array(10_001).fill('sizes=1').join('&')
      expectError(await postText(host, quote, text, urlencoded), 400, 'invalid_json')
      await expectAlive(host)
    },
  },
  {
    id: 'form.multipart-broken',
    says: 'refuses a multipart form that is none as a mistake of the caller',
    rules: ['bad-request', 'input.cost'],
    async run(host) {
      for (const [text, type] of [
        ['nothing of the kind', 'multipart/form-data'],
        ['nothing of the kind', 'multipart/form-data; boundary=x'],
        ['--x\r\ncontent-disposition: form-data; name="sku"\r\n\r\nlamp', 'multipart/form-data; boundary=x'],
      ] as const) {
        expectCheapRefusal(await postText(host, quote, text, type))
      }
      await expectAlive(host)
    },
  },
  {
    id: 'form.multipart-file',
    says: 'never fails over a file in a multipart form',
    rules: ['input.cost'],
    async run(host) {
      const form = new FormData()
      form.set('note', new Blob(['file text'], { type: 'text/plain' }), 'note.txt')
      const answer = await send(host, '/public/atp/shop/remember/', { method: 'POST', body: form })
      expect(answer.status).toBeLessThan(500)
      await expectAlive(host)
    },
  },
]

function postForm(host: RoutesHost, path: string, pairs: [string, string][]): Promise<Answer> {
  const form = new FormData()
  for (const [name, value] of pairs) form.append(name, value)
  return send(host, path, { method: 'POST', body: form })
}
