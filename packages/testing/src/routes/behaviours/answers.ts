import { expect } from 'vitest'
import { expectError } from '../expectations.ts'
import { type Answer, call, get, post, postText, send } from '../http-client.ts'
import type { RouteBehaviour } from '../route-behaviour.ts'

/** What all answers have in common. */
export const answerBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'request-id.in-the-tool',
    says: 'tells the tool the same id as the caller',
    rules: ['request-id', 'errors.json'],
    async run(host) {
      const { json } = await post(host, '/public/atp/failures/throw_call_id/', {})
      const { error, request_id } = json as { error: string; request_id: string }
      expect(error).toBe(request_id)
      expect(await call(host, '/public/atp/probe/context/', {})).toMatchObject({ call_id: expect.stringMatching(/./) })
    },
  },
  {
    id: 'request-id.distinct',
    says: 'gives every request an id of its own',
    rules: ['request-id'],
    async run(host) {
      const answers: Answer[] = []
      for (let at = 0; at < 5; at += 1) {
        answers.push(await get(host, '/public/atp/none/'), await post(host, '/public/atp/failures/throw_error/', {}))
      }
      const ids = answers.map(({ json }) => (json as { request_id: string }).request_id)
      expect(new Set(ids).size).toBe(10)
    },
  },
  {
    id: 'answers.errors-alike',
    says: 'shapes all errors alike: error, code, request_id, retryable and at most details',
    rules: ['errors.json'],
    async run(host) {
      const quote = '/public/atp/shop/quote/'
      expectError(await get(host, '/public/atp/none/'), 404, 'toolkit_not_found')
      expectError(await get(host, '/public/atp/a/b/c'), 404, 'not_found')
      expectError(await send(host, quote, { method: 'DELETE' }), 405, 'method_not_allowed')
      expectError(await post(host, '/bare/atp/shop/quote/', {}), 401, 'unauthorized')
      expectError(await postText(host, quote, 'x', 'text/plain'), 415, 'unsupported_media_type')
      expectError(await post(host, quote, {}), 400, 'missing_params')
      expectError(await post(host, '/public/atp/failures/bad_output/', {}), 500, 'invalid_result')
    },
  },
  {
    id: 'answers.no-trace',
    says: 'names no software of ours in any header',
    rules: ['no-trace'],
    async run(host) {
      const answers = [await post(host, '/public/atp/shop/quote/', { sku: 'x' })]
      for (const path of ['/public/atp/', '/public/utcp', '/public/atp/none/']) answers.push(await get(host, path))
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 404])
      for (const { headers } of answers) {
        expect([...headers].filter(([name, value]) => /\batp\b/i.test(`${name} ${value}`))).toEqual([])
      }
    },
  },
  {
    id: 'answers.at-once',
    says: 'keeps requests that run at the same time apart',
    rules: ['route.run', 'request-id'],
    async run(host) {
      const notes = Array.from({ length: 50 }, (_, index) => `note ${index}`)
      const results = await Promise.all(notes.map((note) => call(host, '/public/atp/shop/remember/', { note })))
      expect(results).toEqual(notes.map((note) => ({ note })))
    },
  },
]
