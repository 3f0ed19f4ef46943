import { expect } from 'vitest'
import { fillFrame } from '../frames.ts'
import { type LegacyAnswer, legacyFetch } from '../http.ts'
import { isFalsy } from '../python-json.ts'
import type { Scene } from './scene.ts'
import { echo, type Sentence } from './sentence.ts'

/** A server may hold an empty inbox for 25 s, and the early build's for 60 s. */
const pollMs = 90_000

/** Section 2 of the reference: the inbox's routes while it is empty. */
export const inboxSentences: readonly Sentence[] = [
  {
    says: '2 inbox: an empty one answers 200 with a falsy JSON body within 30 s',
    timeoutMs: pollMs,
    async run(scene) {
      const { apiKey } = await scene.register([echo])
      const answer = await legacyFetch(`${scene.hub.baseUrl}/api/v1/toolkit/${apiKey}/inbox`, { timeoutMs: 30_000 })
      expect(answer.status).toBe(200)
      expect(answer.json).toSatisfy(isEmptyJson)
    },
  },
  {
    says: '2 inbox: messages/ of the early build answers 200 with a falsy JSON body within 60 s',
    timeoutMs: pollMs,
    async run(scene) {
      const { apiKey } = await scene.register([echo], { version: '0.2.0-early' })
      const url = `${scene.hub.baseUrl}/api/v1/atp/toolkit-client/${apiKey}/messages/`
      const answer = await legacyFetch(url, { timeoutMs: 60_000 })
      expect(answer.status).toBe(200)
      expect(answer.json).toSatisfy(isEmptyJson)
    },
  },
  {
    says: '2 inbox: inbox/respond answers an unknown id with 2xx and a JSON body',
    async run(scene) {
      const { apiKey } = await scene.register([echo])
      expectTaken(await respond(scene, apiKey, 'unknown', { any: 'thing' }))
    },
  },
  {
    says: '2 inbox: inbox/respond answers a repeated answer with 2xx and a JSON body',
    async run(scene) {
      const { apiKey } = await scene.register([echo])
      for (let time = 0; time < 2; time += 1) expectTaken(await respond(scene, apiKey, 'the-same', null))
    },
  },
  {
    says: '2 inbox: inbox/respond takes any JSON as response',
    async run(scene) {
      const { apiKey } = await scene.register([echo])
      for (const response of [0, '', false, null, [], {}, { error: 'text' }, 'ü']) {
        expectTaken(await respond(scene, apiKey, scene.newName(), response))
      }
    },
  },
  {
    says: '2 inbox: execute_function answers 200 to the token of a registration',
    async run(scene) {
      const toolkit = await scene.register([echo], { version: '0.2.0-early' })
      const body = fillFrame('http-execute-function', {
        exchange_token: toolkit.registration.exchangeTokens.get('echo'),
        ...{ tool: 'echo', result: { value: 1 } },
      })
      const answer = await legacyFetch(`${scene.hub.baseUrl}/api/v1/execute_function`, { body })
      expect(answer.status).toBe(200)
    },
  },
]

function isEmptyJson(json: unknown): boolean {
  return json !== undefined && isFalsy(json)
}

function respond(scene: Scene, key: string, requestId: string, response: unknown): Promise<LegacyAnswer> {
  const body = fillFrame('http-inbox-respond', { request_id: requestId, response })
  return legacyFetch(`${scene.hub.baseUrl}/api/v1/toolkit/${key}/inbox/respond`, { body })
}

function expectTaken({ status, json }: LegacyAnswer): void {
  expect(Math.floor(status / 100)).toBe(2)
  expect(json).toBeDefined()
}
