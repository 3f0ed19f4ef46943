import { expect } from 'vitest'
import { expectFrame, fillFrame } from '../frames.ts'
import type { LegacyLlm } from '../llm/legacy-llm.ts'
import type { Scene } from './scene.ts'
import { echo, type Sentence, whoami } from './sentence.ts'

const versions = [
  '0.1.2',
  '0.1.3',
  '0.1.4',
  '0.1.5',
  '0.1.6',
  '0.1.7',
  '0.1.8',
  '0.2.0',
  '0.2.1',
  '0.2.2',
  '0.2.5',
] as const
const value = { text: 'größer', list: [1, null, false] }

/** Section 4 of the reference: `task_request` of every release, and the answer that all of them read. */
export const taskSentences: readonly Sentence[] = [
  ...versions.map(
    (version): Sentence => ({
      says: `4 task: the payload of ${version} is served, and its answer read`,
      async run(scene) {
        const { appName } = await scene.serve([echo])
        const outcome = await (await scene.llm({ version })).callTool({
          ...{ toolkitId: appName, tool: 'echo', params: { value } },
        })
        expect(outcome.result).toEqual(value)
        expect(outcome.returned).toEqual(wrapped(version))
      },
    }),
  ),
  {
    says: '4 task: arguments of 0.1.6 and 0.1.7 may be JSON text',
    async run(scene) {
      const { appName } = await scene.serve([echo])
      for (const version of ['0.1.6', '0.1.7'] as const) {
        const outcome = await (await scene.llm({ version })).callTool({
          ...{ toolkitId: appName, tool: 'echo', params: { value }, argumentsAsText: true },
        })
        expect(outcome.result).toEqual(value)
      }
    },
  },
  {
    says: '4 task: the payload of 0.1.2 may hold all that JSON text can hold',
    async run(scene) {
      const { appName } = await scene.serve([echo])
      const odd = { 'a "b"': '\\ \n \u2028 🙂' }
      const outcome = await (await scene.llm({ version: '0.1.2' })).callTool({
        ...{ toolkitId: appName, tool: 'echo', params: { value: odd } },
      })
      expect(outcome.result).toEqual(odd)
    },
  },
  {
    says: '4 task: the token is payload.auth_token',
    async run(scene) {
      const outcome = await rawTask(scene, { auth_token: 'inner' }, { auth_token: null })
      expect(outcome).toMatchObject({ payload: { result: { token: 'inner' } } })
    },
  },
  {
    says: '4 task: or the token is the top-level auth_token',
    async run(scene) {
      for (const payload of [{}, { auth_token: null }, { auth_token: '' }]) {
        const outcome = await rawTask(scene, payload, { auth_token: 'outer' })
        expect(outcome).toMatchObject({ payload: { result: { token: 'outer' } } })
      }
    },
  },
  {
    says: '4 task: an optional external_user_id is taken',
    async run(scene) {
      const outcome = await rawTask(scene, { auth_token: 'mine' }, { external_user_id: 'user@example.com' })
      expect(outcome).toMatchObject({ payload: { result: { token: 'mine' } } })
    },
  },
  ...(['ws', 'http'] as const).map(
    (protocol): Sentence => ({
      says: `4 task: the answer over ${protocol} serves both generations at once and holds nothing else`,
      async run(scene) {
        const { appName } = await scene.serve([echo])
        const llm = await scene.llm({ protocol })
        const { frame } = await llm.callTool({ toolkitId: appName, tool: 'echo', params: { value } })
        expect(expectFrame('llm-task-response', frame)).toMatchObject({
          status: 'success',
          tool: 'echo',
          result: value,
        })
      },
    }),
  ),
  {
    says: '4 task: NAME is the name that was asked for',
    async run(scene) {
      const { appName } = await scene.serve([echo])
      const llm = await scene.llm()
      for (const tool of ['echo', 'unknown', 'größer', '__proto__']) {
        const { frame } = await llm.callTool({ toolkitId: appName, tool })
        expect(expectFrame('llm-task-response', frame).tool).toBe(tool)
      }
    },
  },
  ...[null, 5, 'not json', '[]', [], {}, { function: 5 }, { parameters: {} }].map(
    (payload): Sentence => ({
      says: `4 task: the unreadable payload ${JSON.stringify(payload)} is answered with the expected type and request_id`,
      async run(scene) {
        const { appName } = await scene.serve([echo])
        for (const protocol of ['ws', 'http'] as const) {
          const llm = await scene.llm({ protocol })
          const frame = await sendTask(llm, scene, appName, { payload })
          expect(frame).toMatchObject({ payload: { result: { error: expect.stringMatching(/./) } } })
          expect(frame.status).not.toBe('error')
        }
      },
    }),
  ),
]

function wrapped(version: string): unknown {
  if (version < '0.1.8') return { result: value }
  return version < '0.2.1' ? { tool: { name: 'echo', result: value } } : value
}

async function rawTask(scene: Scene, payload: object, rest: object): Promise<Record<string, unknown>> {
  const { appName } = await scene.serve([whoami])
  const llm = await scene.llm()
  return sendTask(llm, scene, appName, { payload: { function: 'whoami', parameters: {}, ...payload }, ...rest })
}

function sendTask(llm: LegacyLlm, scene: Scene, toolkitId: string, rest: object): Promise<Record<string, unknown>> {
  const message = fillFrame('llm-task-0.1.8', {
    ...{ request_id: scene.newName(), toolkit_id: toolkitId, user_prompt: '', token: null, tool: 'echo', params: {} },
  })
  return llm.send({ ...message, ...rest }, 'task_response')
}
