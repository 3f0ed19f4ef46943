import { expect, vi } from 'vitest'
import { allEvents, readEvents } from '../event-reader.ts'
import { countsOf, expectError } from '../expectations.ts'
import { floodPieces } from '../fixtures/streams.ts'
import { open, post, postText, send } from '../http-client.ts'
import type { RouteBehaviour, RoutesHost } from '../route-behaviour.ts'

const accept = { accept: 'text/event-stream' }

/** Server-sent events. */
export const streamBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'stream.events',
    says: 'streams progress, pieces and the result in order, with ids from 1',
    rules: ['route.stream', 'stream.events'],
    async run(host) {
      const response = await stream(host, 'count', { to: 2 })
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toMatch(/^text\/event-stream\b/)
      expect((await allEvents(response)).map(({ id, event, json }) => ({ id, event, json }))).toEqual([
        { id: '1', event: 'progress', json: { progress: 1, total: 2 } },
        { id: '2', event: 'chunk', json: 1 },
        { id: '3', event: 'progress', json: { progress: 2, total: 2 } },
        { id: '4', event: 'chunk', json: 2 },
        { id: '5', event: 'result', json: { result: { counted: 2 } } },
      ])
    },
  },
  {
    id: 'stream.many',
    says: 'loses and swaps nothing among many pieces',
    rules: ['stream.events'],
    async run(host) {
      const events = await allEvents(await stream(host, 'count', { to: 500 }))
      const pieces = events.filter(({ event }) => event === 'chunk').map(({ json }) => json)
      expect(pieces).toEqual(Array.from({ length: 500 }, (_, index) => index + 1))
      expect(events.map(({ id }) => Number(id))).toEqual(events.map((_, index) => index + 1))
    },
  },
  {
    id: 'stream.one-line',
    says: 'writes each value as one line of JSON, whatever line breaks are in it',
    rules: ['stream.events'],
    async run(host) {
      const events = await allEvents(await stream(host, 'texts', {}))
      const texts = ['line one\nline two\r\n\n: no comment\ndata: no data', 'ü€😀\u2028', null]
      expect(events.map(({ data }) => data.length)).toEqual([1, 1, 1, 1])
      expect(events.map(({ json }) => json)).toEqual([...texts, { result: texts }])
    },
  },
  {
    id: 'stream.plain-tool',
    says: 'streams a tool that is no generator as one result',
    rules: ['route.stream', 'stream.events'],
    async run(host) {
      const response = await open(host, '/public/atp/shop/quote/', postInit({ sku: 'x' }))
      const events = await allEvents(response)
      expect(events).toMatchObject([{ id: '1', event: 'result', json: { result: { sku: 'x' } } }])
    },
  },
  {
    id: 'stream.not-asked',
    says: 'answers a generator as plain JSON where no stream was asked for: its return value, or the list of its pieces',
    rules: ['route.run', 'route.stream'],
    async run(host) {
      for (const headers of [{}, { accept: '*/*' }, { accept: 'application/json' }] as Record<string, string>[]) {
        const counted = await post(host, '/public/atp/streams/count/', { to: 3 }, headers)
        expect([counted.status, counted.json]).toEqual([200, { result: { counted: 3 } }])
      }
      const { json } = await post(host, '/public/atp/streams/texts/', {})
      expect(json).toEqual({ result: [expect.any(String), 'ü€😀\u2028', null] })
    },
  },
  {
    id: 'stream.error',
    says: 'ends with an error event, shaped like every error, when the tool fails after a piece',
    rules: ['stream.events', 'errors.json', 'errors.thrown'],
    async run(host) {
      const response = await stream(host, 'fail_later', {})
      expect(response.status).toBe(200)
      const events = await allEvents(response)
      expect(events.map(({ id, event, json }) => ({ id, event, json }))).toEqual([
        { id: '1', event: 'chunk', json: 'a piece' },
        {
          id: '2',
          event: 'error',
          json: { error: 'The line was cut', code: 'tool_error', request_id: expect.any(String), retryable: false },
        },
      ])
    },
  },
  {
    id: 'stream.bad-result',
    says: 'ends with an error event when the result does not fit the output schema',
    rules: ['stream.events', 'errors.result'],
    async run(host) {
      const events = await allEvents(await stream(host, 'bad_output', {}))
      expect(events).toMatchObject([{ event: 'chunk' }, { event: 'error', json: { code: 'invalid_result' } }])
    },
  },
  {
    id: 'stream.deadline',
    says: 'ends with an error event when the deadline passes, and tells the tool',
    rules: ['stream.events', 'outcome.deadline'],
    async run(host) {
      const id = crypto.randomUUID()
      const events = await allEvents(await stream(host, 'late', { id }))
      const error = { code: 'deadline_exceeded', retryable: true }
      expect(events).toMatchObject([{ event: 'chunk' }, { event: 'error', json: error }])
      expect(await countsOf(host, id)).toMatchObject({ aborted: 1, ended: 1 })
    },
  },
  {
    id: 'stream.refusals',
    says: 'refuses in plain JSON with its status what never starts',
    rules: ['stream.refusal', 'errors.json'],
    async run(host) {
      const count = '/public/atp/streams/count/'
      const init = { method: 'PUT', headers: accept }
      expectError(await post(host, '/public/atp/none/none/', {}, accept), 404, 'toolkit_not_found')
      expectError(await post(host, '/public/atp/streams/none/', {}, accept), 404, 'tool_not_found')
      expectError(await send(host, count, init), 405, 'method_not_allowed')
      expectError(await post(host, '/keys/atp/shop/quote/', { sku: 'x' }, accept), 401, 'unauthorized')
      expectError(await postText(host, count, 'x', 'text/plain', accept), 415, 'unsupported_media_type')
      expectError(await postText(host, count, '{', 'application/json', accept), 400, 'invalid_json')
      expectError(await post(host, count, {}, accept), 400, 'missing_params')
      expectError(await post(host, count, { to: 'three' }, accept), 400, 'invalid_params')
      const share = '/public/atp/contacts/share_card/'
      expectError(await post(host, share, {}, accept), 400, 'missing_token')
    },
  },
  {
    id: 'stream.metadata',
    says: 'answers metadata as JSON whatever the client accepts',
    rules: ['route.list', 'route.stream'],
    async run(host) {
      for (const path of ['/public/atp/', '/public/atp/shop/', '/public/utcp']) {
        const answer = await send(host, path, { headers: accept })
        expect([answer.status, typeof answer.json]).toEqual([200, 'object'])
      }
    },
  },
  {
    id: 'stream.at-once',
    says: 'sends a piece while the tool is still running',
    rules: ['route.stream', 'stream.events'],
    async run(host) {
      const id = crypto.randomUUID()
      const events = readEvents(await stream(host, 'hold', { id }))
      expect((await events.next()).value).toMatchObject({ id: '1', event: 'chunk', data: ['"first"'] })
      expect(await countsOf(host, id)).toMatchObject({ ended: 0 })
      await events.return()
    },
  },
  {
    id: 'stream.disconnect',
    says: 'aborts the signal of a generator whose reader goes away',
    rules: ['stream.cancel', 'abort'],
    async run(host) {
      const id = crypto.randomUUID()
      const events = readEvents(await stream(host, 'hold', { id }))
      await events.next()
      await events.return()
      await vi.waitFor(async () => expect(await countsOf(host, id)).toMatchObject({ aborted: 1, ended: 1 }), {
        timeout: 15_000,
      })
    },
  },
  {
    id: 'stream.disconnect-ends',
    says: 'ends a generator whose reader goes away, even if it never looks at its signal',
    rules: ['stream.cancel'],
    async run(host) {
      const id = crypto.randomUUID()
      const events = readEvents(await stream(host, 'flood', { id }))
      await events.next()
      await events.return()
      await vi.waitFor(async () => expect(await countsOf(host, id)).toMatchObject({ started: 1, ended: 1 }), {
        timeout: 15_000,
      })
      expect((await countsOf(host, id)).yielded).toBeLessThan(floodPieces)
    },
  },
  {
    id: 'stream.slow-reader',
    says: 'lets a generator run no further ahead of a slow reader than the way between them holds',
    rules: ['stream.events'],
    async run(host) {
      const id = crypto.randomUUID()
      const events = readEvents(await stream(host, 'flood', { id }))
      await events.next()
      const yielded = await whenStill(async () => (await countsOf(host, id)).yielded)
      expect(yielded).toBeLessThan(floodPieces)
      await events.return()
    },
  },
]

function postInit(args: unknown): RequestInit {
  const headers = { ...accept, 'content-type': 'application/json' }
  return { method: 'POST', headers, body: JSON.stringify(args) }
}

function stream(host: RoutesHost, tool: string, args: unknown): Promise<Response> {
  return open(host, `/public/atp/streams/${tool}/`, postInit(args))
}

/** Asks until the answer was the same twenty times in a row. */
async function whenStill(ask: () => Promise<number>): Promise<number> {
  let [last, same] = [await ask(), 0]
  while (same < 20) {
    const next = await ask()
    same = next === last ? same + 1 : 0
    last = next
  }
  return last
}
