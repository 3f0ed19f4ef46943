import { expect } from 'vitest'
import { expectFrame, fillFrame } from '../frames.ts'
import { legacyFetch } from '../http.ts'
import { LegacyRefusal } from '../legacy-break.ts'
import { toolkitSocketPath } from '../sdk-version.ts'
import type { Scene } from './scene.ts'
import { echo, type Sentence } from './sentence.ts'

const wrongKey = 'wrong-key'

/** Section 1 of the reference: who a key stands for, and what is refused. */
export const identitySentences: readonly Sentence[] = [
  {
    says: '1 keys: a toolkit key alone says which toolkit connects',
    async run(scene) {
      const ones = await scene.serve([{ ...echo, handler: () => 'one' }])
      const twos = await scene.serve([{ ...echo, handler: () => 'two' }])
      const llm = await scene.llm()
      const results = await Promise.all(
        [ones, twos].map(({ appName }) => llm.callTool({ toolkitId: appName, tool: 'echo' })),
      )
      expect(results.map(({ result }) => result)).toEqual(['one', 'two'])
    },
  },
  {
    says: '1 keys: app_name names the toolkit in contexts and calls, whatever text it is',
    async run(scene) {
      const appName = `Größe & 東京/${scene.newName()}`
      await scene.serve([echo], { appName })
      const llm = await scene.llm()
      expect(await llm.getToolkitContext({ toolkitId: appName })).toMatchObject({ toolkit_name: appName })
      expect(await llm.callTool({ toolkitId: appName, tool: 'echo', params: { value: 1 } })).toMatchObject({
        result: 1,
      })
    },
  },
  {
    says: '1 keys: a key without a name takes the app_name of its first registration',
    async run(scene) {
      const appName = scene.newName()
      const toolkit = await scene.serve([echo], { appName, apiKey: await scene.hub.createToolkitKey() })
      const llm = await scene.llm()
      const outcome = await llm.callTool({ toolkitId: toolkit.appName, tool: 'echo', params: { value: 'bound' } })
      expect(outcome.result).toBe('bound')
    },
  },
  {
    says: '1 keys: the toolkit_id of a context is accepted in calls',
    async run(scene) {
      const { appName } = await scene.serve([echo])
      const llm = await scene.llm()
      const { toolkit_id } = await llm.getToolkitContext({ toolkitId: appName })
      const outcome = await llm.callTool({ toolkitId: String(toolkit_id), tool: 'echo', params: { value: 'by id' } })
      expect(outcome.result).toBe('by id')
    },
  },
  {
    says: '1 keys: the toolkit_id of a context is accepted in contexts',
    async run(scene) {
      const { appName } = await scene.register([echo])
      const llm = await scene.llm()
      const context = await llm.getToolkitContext({ toolkitId: appName })
      expect(await llm.getToolkitContext({ toolkitId: String(context.toolkit_id) })).toEqual(context)
    },
  },
  {
    says: '1 keys: the account of an LLM key owns toolkits, and developers/toolkits/ lists them',
    async run(scene) {
      const { appName } = await scene.register([echo])
      const llm = await scene.llm({ protocol: 'http' })
      expect(JSON.stringify(await llm.listMyToolkits('?page_size=100'))).toContain(appName)
    },
  },
  ...(['0.1.5', '0.1.8', '0.2.1', '0.2.2', '0.2.5'] as const).map(
    (version): Sentence => ({
      says: `1 keys: LLM HTTP takes the header that ${version} sends`,
      async run(scene) {
        const { appName } = await scene.serve([echo])
        const llm = await scene.llm({ protocol: 'http', version })
        const outcome = await llm.callTool({ toolkitId: appName, tool: 'echo', params: { value: version } })
        expect(outcome.result).toBe(version)
      },
    }),
  ),
  {
    says: '1 keys: GETs have the header only',
    async run(scene) {
      for (const version of ['0.2.1', '0.2.5'] as const) {
        const llm = await scene.llm({ protocol: 'http', version })
        expectFrame('http-toolkit-list', await llm.listMyToolkits())
      }
    },
  },
  {
    says: '1 keys: an LLM request without a key is refused, as 0.1.6 and 0.1.7 send it',
    async run(scene) {
      const llm = await scene.llm({ protocol: 'http', version: '0.1.6' })
      await expectRefusal(() => llm.callTool({ toolkitId: scene.newName(), tool: 'echo' }))
    },
  },
  {
    says: '1 keys: percent escapes of a key in the path of a toolkit socket are decoded',
    async run(scene) {
      const { apiKey } = await scene.register([echo])
      expectFrame('toolkit-connected', (await scene.toolkitSocket(escaped(apiKey))).frames[0])
    },
  },
  {
    says: '1 keys: percent escapes of a key in the path of an LLM socket are decoded',
    async run(scene) {
      const key = await scene.hub.createLlmKey()
      const socket = await scene.socket(`/ws/v1/atp/llm-client/${escaped(key)}/`)
      socket.send(fillFrame('llm-auth', { key }))
      expectFrame('llm-auth-accepted', await socket.next())
    },
  },
  {
    says: '1 keys: percent escapes of a key in the path of the inbox are decoded',
    async run(scene) {
      const { apiKey } = await scene.register([echo])
      const answer = await post(scene, `toolkit/${escaped(apiKey)}/inbox/respond`, {
        ...{ request_id: 'unknown', response: 1 },
      })
      expect(answer.status).toBeLessThan(300)
    },
  },
  ...wrongKeyCases().map(
    ([name, path, body]): Sentence => ({
      says: `1 keys: ${name} answers a wrong key with 401 or 403 and {"error"}`,
      async run(scene) {
        const headers = { authorization: `ApiKey ${wrongKey}` }
        const answer = await legacyFetch(`${scene.hub.baseUrl}/api/v1/${path}`, { ...(body ? { body } : {}), headers })
        expect([401, 403]).toContain(answer.status)
        expectFrame('http-error', answer.json)
      },
    }),
  ),
  {
    says: '1 keys: a toolkit key does not open LLM HTTP',
    async run(scene) {
      const { apiKey, appName } = await scene.register([echo])
      const llm = await scene.llm({ protocol: 'http', apiKey })
      await expectRefusal(() => llm.getToolkitContext({ toolkitId: appName }))
    },
  },
  {
    says: '1 keys: an LLM key registers no tools',
    async run(scene) {
      const toolkit = await scene.toolkit([echo], { apiKey: await scene.hub.createLlmKey(), version: '0.2.0' })
      await toolkit.register()
      expect(toolkit.takeProblems()).toEqual([expect.stringMatching(/register_tool answered 40[13] \{"error"/)])
    },
  },
  {
    says: '1 keys: an LLM key opens no toolkit socket',
    async run(scene) {
      const key = await scene.hub.createLlmKey()
      await expectNoGreeting(scene, toolkitSocketPath('0.2.5', key))
    },
  },
]

/** Waits for a refused handshake, or a close that no frame came before. */
export async function expectNoGreeting(scene: Scene, path: string): Promise<void> {
  const socket = await scene.socket(path).catch((error: unknown) => {
    if (error instanceof LegacyRefusal) return undefined
    throw error
  })
  await socket?.closed
  expect(socket?.frames ?? []).toEqual([])
}

/** Waits for a 401 or 403 with `{"error"}`. */
export async function expectRefusal(run: () => Promise<unknown>): Promise<void> {
  const error = await run().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(LegacyRefusal)
  expect([401, 403]).toContain((error as LegacyRefusal).status)
  expectFrame('http-error', (error as LegacyRefusal).body)
}

function wrongKeyCases(): [name: string, path: string, body?: unknown][] {
  const metadata = { params: [], required_params: [], description: '', sample_response: '', source_code: 'x' }
  const auth = { auth_provider: null, auth_type: null, auth_with: null }
  const hashes = { code_hash: 'c', toolkit_hash: 'h' }
  const registered = { function_id: 'echo', app_name: 'app', programming_language: 'Python', ...hashes }
  const call = { function: 'echo', parameters: {}, auth_token: null, tool_call_id: 'c' }
  return [
    ['register_tool', 'register_tool', { api_key: wrongKey, ...registered, metadata: { ...metadata, ...auth } }],
    ['verify_hash', 'toolkit/verify_hash', { api_key: wrongKey, app_name: 'app', toolkit_hash: 'h' }],
    ['verify_tool_hash', 'toolkit/verify_tool_hash', { api_key: wrongKey, tool_hash: 'c', tool_name: 'echo' }],
    ['the inbox', `toolkit/${wrongKey}/inbox`],
    ['inbox/respond', `toolkit/${wrongKey}/inbox/respond`, { request_id: 'r', response: 1 }],
    [
      'process/',
      'atp/llm-client/process/',
      {
        ...{ type: 'task_request', request_id: 'r', toolkit_id: 'app', payload: call },
        ...{ auth_token: null, user_prompt: '', api_key: wrongKey },
      },
    ],
    ['developers/toolkits/', 'atp/llm-client/developers/toolkits/'],
    ['store/toolkits/list/', 'atp/llm-client/store/toolkits/list/'],
  ]
}

/** Every character as a percent escape. */
function escaped(key: string): string {
  return [...Buffer.from(key)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}

function post(scene: Scene, path: string, body: unknown): ReturnType<typeof legacyFetch> {
  return legacyFetch(`${scene.hub.baseUrl}/api/v1/${path}`, { body })
}
