import { expect } from 'vitest'
import { allEvents } from '../event-reader.ts'
import { open, post } from '../http-client.ts'
import type { RouteBehaviour } from '../route-behaviour.ts'

const count = '/public/atp/streams/count/'

/** Which `Accept` asks for a stream. */
export const streamChoiceBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'stream.asked',
    says: 'streams wherever events are among what the client accepts, in any letters and at any quality above zero',
    rules: ['route.stream'],
    async run(host) {
      for (const accept of [
        'TEXT/EVENT-STREAM',
        'application/json;q=0.5, text/event-stream',
        'application/json,text/event-stream',
        'text/event-stream;q=0.001',
        'application/json, Text/Event-Stream ; q=0.9, */*;q=0.1',
      ]) {
        const headers = { accept, 'content-type': 'application/json' }
        const response = await open(host, count, { method: 'POST', headers, body: '{"to":1}' })
        const type = response.headers.get('content-type')
        expect([accept, response.status, type]).toEqual([accept, 200, expect.stringMatching(/^text\/event-stream\b/)])
        expect((await allEvents(response)).at(-1)).toMatchObject({ event: 'result' })
      }
    },
  },
  {
    id: 'stream.refused-by-client',
    says: 'does not stream where the client refuses events, or accepts only what is called alike',
    rules: ['route.stream'],
    async run(host) {
      for (const accept of [
        'application/json, text/event-stream;q=0',
        'text/event-stream; q=0.000, application/json',
        'TEXT/EVENT-STREAM;Q=0, */*',
        'application/json, text/event-streams',
        'application/json, text/event-stream+json',
        'text/*',
      ]) {
        const { status, json } = await post(host, count, { to: 1 }, { accept })
        expect([accept, status, json]).toEqual([accept, 200, { result: { counted: 1 } }])
      }
    },
  },
]
