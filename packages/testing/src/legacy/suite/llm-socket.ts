import { expect } from 'vitest'
import { expectFrame, fillFrame } from '../frames.ts'
import { LegacyRefusal } from '../legacy-break.ts'
import { llmSocketPath } from '../sdk-version.ts'
import { echo, join, type Sentence } from './sentence.ts'

/** Section 4 of the reference: URLs and authentication of the LLM socket, and answers by type and id. */
export const llmSocketSentences: readonly Sentence[] = [
  ...(
    [
      ['without key and final slash, as 0.1.2 and 0.1.3', '0.1.3', ''],
      ['with the key, as 0.1.4 and later', '0.1.4', ''],
      ['with the key, as 0.2.5', '0.2.5', ''],
      ['as a whole path given for base_url, by 0.1.2', '0.1.2', '/ws/v1/atp/llm-client'],
      ['as a whole path given for base_url, by 0.1.7', '0.1.7', '/ws/v1/atp/llm-client/'],
    ] as const
  ).map(
    ([how, version, path]): Sentence => ({
      says: `4 LLM socket: serves the URL ${how}`,
      async run(scene) {
        const { appName } = await scene.serve([echo])
        const llm = await scene.llm({ version, baseUrl: scene.hub.baseUrl + path })
        const outcome = await llm.callTool({ toolkitId: appName, tool: 'echo', params: { value: how } })
        expect(outcome.result).toBe(how)
      },
    }),
  ),
  {
    says: '4 LLM socket: a good auth is answered with exactly {"type": "auth_response", "success": true}',
    async run(scene) {
      const key = await scene.hub.createLlmKey()
      for (const version of ['0.1.3', '0.2.5'] as const) {
        const socket = await scene.socket(llmSocketPath(version, key))
        socket.send(fillFrame('llm-auth', { key }))
        expectFrame('llm-auth-accepted', await socket.next())
      }
    },
  },
  {
    says: '4 LLM socket: a wrong key in auth is answered with success false and an error, then the socket closes',
    async run(scene) {
      const socket = await scene.socket(llmSocketPath('0.1.3', ''))
      socket.send(fillFrame('llm-auth', { key: 'wrong-key' }))
      expectFrame('llm-auth-refused', await socket.next())
      await socket.closed
      expect(socket.frames).toHaveLength(1)
    },
  },
  {
    says: '4 LLM socket: a toolkit key in auth is refused like a wrong one',
    async run(scene) {
      const { apiKey } = await scene.register([echo])
      const socket = await scene.socket(llmSocketPath('0.1.3', ''))
      socket.send(fillFrame('llm-auth', { key: apiKey }))
      expectFrame('llm-auth-refused', await socket.next())
      await socket.closed
    },
  },
  {
    says: '4 LLM socket: a wrong key in the URL is refused in the handshake or by auth_response',
    async run(scene) {
      const llm = await scene.llm({ apiKey: 'wrong-key' })
      await expect(llm.connect()).rejects.toBeInstanceOf(LegacyRefusal)
    },
  },
  {
    says: '4 LLM socket: a wrong key in auth is refused although the key in the URL is good',
    async run(scene) {
      const socket = await scene.socket(llmSocketPath('0.2.5', await scene.hub.createLlmKey()))
      socket.send(fillFrame('llm-auth', { key: 'wrong-key' }))
      expectFrame('llm-auth-refused', await socket.next())
      await socket.closed
    },
  },
  {
    says: '4 LLM socket: nothing else comes before the answer to auth',
    async run(scene) {
      const key = await scene.hub.createLlmKey()
      const socket = await scene.socket(llmSocketPath('0.2.5', key))
      await new Promise((pong) => {
        socket.socket.once('pong', pong)
        socket.socket.ping()
      })
      expect(socket.frames).toEqual([])
      socket.send(fillFrame('llm-auth', { key }))
      expectFrame('llm-auth-accepted', await socket.next())
    },
  },
  {
    says: '4 LLM socket: nothing is served before auth',
    async run(scene) {
      const { appName } = await scene.register([echo])
      const socket = await scene.socket(llmSocketPath('0.1.3', ''))
      const request_id = scene.newName()
      socket.send(
        fillFrame('llm-get-context-0.1.5', { request_id, toolkit_id: appName, provider: 'openai', user_prompt: '' }),
      )
      await socket.closed
      expect(JSON.stringify(socket.frames)).not.toContain('"echo"')
    },
  },
  {
    says: '4 LLM socket: answers carry the type and request_id that the client waits for, in whatever order they end',
    async run(scene) {
      const slow = { ...echo, handler: ({ value }: Record<string, unknown>) => value }
      const serial = await scene.serve([slow])
      const other = await scene.serve([join])
      const llm = await scene.llm()
      const contexts = [serial, other].map(({ appName }) => llm.getToolkitContext({ toolkitId: appName }))
      const calls = [1, 2, 3].map((value) => {
        return llm.callTool({ toolkitId: serial.appName, tool: 'echo', params: { value } })
      })
      const joined = llm.callTool({ toolkitId: other.appName, tool: 'join', params: { first: 'a', second: 'b' } })
      expect((await Promise.all(calls)).map(({ result }) => result)).toEqual([1, 2, 3])
      expect((await joined).result).toBe('a b')
      expect((await Promise.all(contexts)).map((context) => context.toolkit_name)).toEqual([
        ...[serial.appName, other.appName],
      ])
    },
  },
  {
    says: '4 LLM socket: nothing but this wire is spoken, also when the server stops',
    ownHub: true,
    async run(scene) {
      const key = await scene.hub.createLlmKey()
      const socket = await scene.socket(llmSocketPath('0.2.5', key))
      socket.send(fillFrame('llm-auth', { key }))
      await socket.next()
      scene.hub = await scene.hub.restart()
      await socket.closed
      expect(socket.frames).toHaveLength(1)
    },
  },
  {
    says: '4 LLM socket: a client that comes back with its next call is served',
    async run(scene) {
      const { appName } = await scene.serve([echo])
      const llm = await scene.llm()
      for (let time = 0; time < 2; time += 1) {
        const outcome = await llm.callTool({ toolkitId: appName, tool: 'echo', params: { value: time } })
        expect(outcome.result).toBe(time)
        await llm.close()
      }
    },
  },
]
