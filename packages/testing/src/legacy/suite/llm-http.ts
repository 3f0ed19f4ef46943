import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'vitest'
import { expectFrame, fillFrame } from '../frames.ts'
import { legacyFetch, openLegacy } from '../http.ts'
import { LegacyRefusal } from '../legacy-break.ts'
import { pythonJson } from '../python-json.ts'
import type { Scene } from './scene.ts'
import { echo, errorOf, join, type Sentence } from './sentence.ts'

const megabyte = 1_048_576

/** Section 5 of the reference: `process/` as JSON and as events, and messages of a megabyte. */
export const llmHttpSentences: readonly Sentence[] = [
  {
    says: '5 process/: a context is the same answer as on the socket',
    async run(scene) {
      const { appName } = await scene.register([join])
      const [socket, http] = await Promise.all(
        (['ws', 'http'] as const).map(async (protocol) => {
          return (await scene.llm({ protocol })).contextFrame({ toolkitId: appName, userPrompt: 'x' })
        }),
      )
      expect({ ...http, request_id: '' }).toEqual({ ...socket, request_id: '' })
    },
  },
  {
    says: '5 process/: a call is the same answer as on the socket',
    async run(scene) {
      const { appName } = await scene.serve([join])
      for (const params of [{ first: 'a', second: 'b' }, {}]) {
        const [socket, http] = await Promise.all(
          (['ws', 'http'] as const).map(async (protocol) => {
            return (await scene.llm({ protocol })).callTool({ toolkitId: appName, tool: 'join', params })
          }),
        )
        expect({ ...http?.frame, request_id: '' }).toEqual({ ...socket?.frame, request_id: '' })
      }
    },
  },
  {
    says: '5 process/: a context of an unknown toolkit is 404',
    async run(scene) {
      const llm = await scene.llm({ protocol: 'http' })
      const error = await llm.getToolkitContext({ toolkitId: scene.newName() }).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(LegacyRefusal)
      expect((error as LegacyRefusal).status).toBe(404)
    },
  },
  {
    says: '5 process/: a call is answered with 200 whatever became of it',
    async run(scene) {
      const { appName } = await scene.register([join])
      const llm = await scene.llm({ protocol: 'http' })
      for (const [toolkitId, tool, params] of [
        [appName, 'join', { first: 1, second: 2 }],
        [appName, 'join', {}],
        [appName, 'unknown', {}],
        [scene.newName(), 'join', {}],
      ] as const) {
        expect(errorOf((await llm.callTool({ toolkitId, tool, params })).result)).toBeDefined()
      }
    },
  },
  {
    says: '5 process/: a request is held until the tool is done',
    async run(scene) {
      const { appName } = await scene.serve([
        {
          ...echo,
          async handler({ value }) {
            await wait(3_000)
            return value
          },
        },
      ])
      const llm = await scene.llm({ protocol: 'http' })
      expect((await llm.callTool({ toolkitId: appName, tool: 'echo', params: { value: 'held' } })).result).toBe('held')
    },
  },
  {
    says: '5 process/: bodies that are no JSON are refused with 400 and {"error"}',
    async run(scene) {
      const key = await scene.hub.createLlmKey()
      for (const body of ['{', '"text"', 'null', '[]', '{"type": "nonsense", "request_id": "r"}']) {
        const answer = await legacyFetch(processUrl(scene), { body, headers: { authorization: `ApiKey ${key}` } })
        expect(answer.status).toBe(400)
        expectFrame('http-error', answer.json)
      }
    },
  },
  {
    says: '5 events: the last event is the full answer, on a line that begins with "data: "',
    async run(scene) {
      const { appName } = await scene.serve([echo])
      const llm = await scene.llm({ protocol: 'http' })
      const outcome = await llm.callToolStreaming({ toolkitId: appName, tool: 'echo', params: { value: 'größer\n\n' } })
      expect(expectFrame('llm-task-response', outcome.events.at(-1))).toMatchObject({ result: 'größer\n\n' })
    },
  },
  {
    says: '5 events: the answer is 200 text/event-stream and ends',
    async run(scene) {
      const { appName } = await scene.serve([echo])
      const key = await scene.hub.createLlmKey()
      const body = fillFrame('llm-task-0.2.2', {
        ...{ request_id: scene.newName(), toolkit_id: appName, tool: 'echo', params: {}, token: null },
        ...{ user_prompt: '', call_id: 'c', key },
      })
      const headers = { authorization: `ApiKey ${key}`, accept: 'text/event-stream' }
      const response = await openLegacy(processUrl(scene), { body, headers })
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
      expect(await response.text()).toContain('task_response')
    },
  },
  {
    says: '5 events: errors are results here too',
    async run(scene) {
      const { appName } = await scene.register([join])
      const llm = await scene.llm({ protocol: 'http' })
      const missing = await llm.callToolStreaming({ toolkitId: appName, tool: 'join' })
      expect(missing.result).toEqual({ error: 'Missing required parameters: first, second' })
      const unknown = await llm.callToolStreaming({ toolkitId: scene.newName(), tool: 'join' })
      expect(errorOf(unknown.result)).toBeDefined()
    },
  },
  {
    says: '5 events: falsy results are answers',
    async run(scene) {
      const { appName } = await scene.serve([echo])
      const llm = await scene.llm({ protocol: 'http' })
      for (const value of [0, '', false, null, [], {}]) {
        const outcome = await llm.callToolStreaming({ toolkitId: appName, tool: 'echo', params: { value } })
        expect(outcome.result).toEqual(value)
      }
    },
  },
  ...(['ws', 'http'] as const).map(
    (protocol): Sentence => ({
      says: `5 sizes: a message of 1 MB over ${protocol} reaches the tool`,
      async run(scene) {
        const { appName } = await scene.serve([{ ...echo, handler: ({ value }) => String(value).length }])
        const llm = await scene.llm({ protocol })
        const message = fillFrame('llm-task-0.1.8', {
          ...{ request_id: scene.newName(), toolkit_id: appName, tool: 'echo', user_prompt: '', token: null },
          params: { value: '' },
        })
        const length = megabyte - pythonJson(message).length
        const payload = { ...(message.payload as object), parameters: { value: 'x'.repeat(length) } }
        expect(pythonJson({ ...message, payload })).toHaveLength(megabyte)
        expect(await llm.send({ ...message, payload }, 'task_response')).toMatchObject({ payload: { result: length } })
      },
    }),
  ),
  ...(['ws', 'http'] as const).map(
    (protocol): Sentence => ({
      says: `5 sizes: a result of 1 MB comes back over ${protocol}`,
      async run(scene) {
        const value = 'x'.repeat(megabyte - 1_000)
        const { appName } = await scene.serve([{ ...echo, handler: () => value }])
        const outcome = await (await scene.llm({ protocol })).callTool({ toolkitId: appName, tool: 'echo' })
        expect(outcome.result).toHaveLength(value.length)
      },
    }),
  ),
  {
    says: '5 sizes: a result that is too large fails its own call and no other',
    async run(scene) {
      const { appName } = await scene.serve([{ ...echo, handler: ({ value }) => value ?? 'x'.repeat(3 * megabyte) }])
      const llm = await scene.llm()
      expect(errorOf((await llm.callTool({ toolkitId: appName, tool: 'echo' })).result)).toBeDefined()
      expect((await llm.callTool({ toolkitId: appName, tool: 'echo', params: { value: 1 } })).result).toBe(1)
    },
  },
]

function processUrl(scene: Scene): string {
  return `${scene.hub.baseUrl}/api/v1/atp/llm-client/process/`
}
