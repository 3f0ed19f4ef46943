import { expect } from 'vitest'
import { expectFrame, fillFrame } from '../frames.ts'
import { toolkitSocketPath } from '../sdk-version.ts'
import type { LegacyTool } from '../toolkit/legacy-tool.ts'
import { expectNoGreeting } from './identity.ts'
import type { Scene } from './scene.ts'
import { echo, errorOf, isToolRequest, open, type Sentence, whoami } from './sentence.ts'

/** Section 3 of the reference: what goes over a toolkit's socket. */
export const toolkitSocketSentences: readonly Sentence[] = [
  ...(['0.1.0', '0.1.2', '0.2.5'] as const).map(
    (version): Sentence => ({
      says: `3 toolkit socket: serves a toolkit at the URL of ${version}`,
      async run(scene) {
        const { appName } = await scene.serve([echo], { version })
        const outcome = await (await scene.llm()).callTool({ toolkitId: appName, tool: 'echo', params: { value: 7 } })
        expect(outcome.result).toBe(7)
      },
    }),
  ),
  {
    says: '3 toolkit socket: greets once, first, and without having been asked',
    async run(scene) {
      const { apiKey, appName } = await scene.register([echo])
      const socket = await scene.toolkitSocket(apiKey)
      const call = (await scene.llm()).callTool({ toolkitId: appName, tool: 'echo' })
      answer(socket, await socket.next(isToolRequest), 'done')
      await call
      expect(socket.frames).toHaveLength(2)
      expectFrame('toolkit-connected', socket.frames[0])
    },
  },
  {
    says: '3 toolkit socket: a request is exactly {request_id, tool_name, params} without a token',
    async run(scene) {
      const { request } = await requestOf(scene, echo, { params: { value: 'ü', nested: { a: [1, null] } } })
      expect(expectFrame('toolkit-tool-request', request)).toMatchObject({
        ...{ tool: 'echo', params: { value: 'ü', nested: { a: [1, null] } } },
      })
    },
  },
  {
    says: '3 toolkit socket: a request with a token is the same plus auth_token',
    async run(scene) {
      const { request } = await requestOf(scene, whoami, { authToken: 'secret' })
      expect(expectFrame('toolkit-tool-request-with-token', request)).toMatchObject({ tool: 'whoami', token: 'secret' })
    },
  },
  {
    says: '3 toolkit socket: each request has an id of its own',
    async run(scene) {
      const { apiKey, appName } = await scene.register([echo])
      const socket = await scene.toolkitSocket(apiKey)
      const llm = await scene.llm()
      const calls = [1, 2, 3].map((value) => llm.callTool({ toolkitId: appName, tool: 'echo', params: { value } }))
      await expect.poll(() => socket.frames.filter(isToolRequest).length, { timeout: 10_000 }).toBe(3)
      const requests = socket.frames.filter(isToolRequest)
      expect(new Set(requests.map((request) => expectFrame('toolkit-tool-request', request).request_id)).size).toBe(3)
      // Answered in another order than asked.
      for (const request of requests.reverse()) answer(socket, request, (request.payload as { params: object }).params)
      expect((await Promise.all(calls)).map(({ result }) => result)).toEqual([{ value: 1 }, { value: 2 }, { value: 3 }])
    },
  },
  ...[undefined, null].map(
    (parameters): Sentence => ({
      says: `3 toolkit socket: params is an object also when a call's parameters are ${parameters === null ? 'null' : 'missing'}`,
      async run(scene) {
        const toolkit = await scene.serve([echo])
        const llm = await scene.llm()
        const message = fillFrame('llm-task-0.1.8', {
          ...{ request_id: scene.newName(), toolkit_id: toolkit.appName, tool: 'echo', user_prompt: '', token: null },
        })
        const payload = { function: 'echo', ...(parameters === null ? { parameters } : {}), auth_token: null }
        await llm.send({ ...message, payload }, 'task_response')
        expect(toolkit.requests.map(({ params }) => params)).toEqual([{}])
      },
    }),
  ),
  ...[0, '', false, null, [], {}, 'text', 1.5, [1, [2]], { a: { b: null } }, { error: 1 }].map(
    (value): Sentence => ({
      says: `3 toolkit socket: the result ${JSON.stringify(value)} arrives unchanged`,
      async run(scene) {
        const { appName } = await scene.serve([{ ...echo, handler: () => value }])
        for (const protocol of ['ws', 'http'] as const) {
          const outcome = await (await scene.llm({ protocol })).callTool({ toolkitId: appName, tool: 'echo' })
          expect(outcome.result).toEqual(value)
        }
      },
    }),
  ),
  {
    says: '3 toolkit socket: text beyond ASCII arrives unchanged both ways',
    async run(scene) {
      const { appName } = await scene.serve([echo])
      const value = { 'größe 東京': ['🙂', '\u2028', '\u0000', 'é', '"\\/'] }
      for (const protocol of ['ws', 'http'] as const) {
        const outcome = await (await scene.llm({ protocol })).callTool({
          ...{ toolkitId: appName, tool: 'echo', params: { value } },
        })
        expect(outcome.result).toEqual(value)
      }
    },
  },
  {
    says: '3 toolkit socket: an unknown tool is never sent, as it would get no answer',
    async run(scene) {
      const toolkit = await scene.serve([echo])
      const outcome = await (await scene.llm()).callTool({ toolkitId: toolkit.appName, tool: 'unknown' })
      expect(errorOf(outcome.result)).toBeDefined()
      expect(toolkit.requests).toEqual([])
    },
  },
  {
    says: '3 toolkit socket: a request that gets no answer times out',
    async run(scene) {
      const registered = await scene.register([echo])
      // Connected, but it does not know the tool: the SDK then answers nothing.
      const mute = await scene.toolkit([], { apiKey: registered.apiKey, appName: registered.appName })
      await mute.connect()
      const outcome = await (await scene.llm()).callTool({
        ...{ toolkitId: registered.appName, tool: 'echo', extra: { timeout_ms: 500 } },
      })
      expect(errorOf(outcome.result)).toBeDefined()
      expect(mute.requests).toHaveLength(1)
    },
  },
  {
    says: '3 toolkit socket: an answer that comes too late harms nothing',
    async run(scene) {
      const { apiKey, appName } = await scene.register([echo])
      const socket = await scene.toolkitSocket(apiKey)
      const llm = await scene.llm()
      await llm.callTool({ toolkitId: appName, tool: 'echo', extra: { timeout_ms: 300 } })
      const late = await socket.next(isToolRequest)
      answer(socket, late, 'late')
      socket.frames.length = 0
      const call = llm.callTool({ toolkitId: appName, tool: 'echo' })
      answer(socket, await socket.next(isToolRequest), 'in time')
      expect((await call).result).toBe('in time')
    },
  },
  {
    says: '3 toolkit socket: auth_token goes to tools with an auth_type',
    async run(scene) {
      const toolkit = await scene.serve([whoami])
      const outcome = await (await scene.llm()).callTool({ ...{ toolkitId: toolkit.appName }, ...withToken('whoami') })
      expect(outcome.result).toEqual({ token: 'secret', params: {} })
    },
  },
  {
    says: '3 toolkit socket: auth_token never goes to tools without an auth_type',
    async run(scene) {
      const toolkit = await scene.serve([open])
      const outcome = await (await scene.llm()).callTool({ ...{ toolkitId: toolkit.appName }, ...withToken('open') })
      expect(outcome.result).toEqual({ token: null, params: {} })
      expect(JSON.stringify(toolkit.requests)).not.toContain('secret')
    },
  },
  {
    says: '3 toolkit socket: the token is never inside params',
    async run(scene) {
      const toolkit = await scene.serve([whoami])
      await (await scene.llm()).callTool({ ...{ toolkitId: toolkit.appName }, ...withToken('whoami') })
      expect(toolkit.requests.map(({ params }) => params)).toEqual([{}])
    },
  },
  {
    says: '3 toolkit socket: requests queue on the connection, so ten calls at once to a serial toolkit all succeed',
    async run(scene) {
      let running = 0
      let most = 0
      const slow: LegacyTool = {
        ...echo,
        async handler({ value }) {
          running += 1
          most = Math.max(most, running)
          await new Promise((done) => setTimeout(done, 30))
          running -= 1
          return value
        },
      }
      const { appName } = await scene.serve([slow])
      const llm = await scene.llm()
      const values = Array.from({ length: 10 }, (_, at) => at)
      const outcomes = await Promise.all(
        values.map((value) => llm.callTool({ toolkitId: appName, tool: 'echo', params: { value } })),
      )
      expect(outcomes.map(({ result }) => result)).toEqual(values)
      expect(most).toBe(1)
    },
  },
  {
    says: '3 toolkit socket: a toolkit that comes back at once is served again without registering',
    async run(scene) {
      const toolkit = await scene.serve([echo])
      toolkit.drop()
      await expect.poll(() => toolkit.greetings, { timeout: 10_000 }).toBe(2)
      const sent = toolkit.registration.sent.length
      const outcome = await (await scene.llm()).callTool({
        toolkitId: toolkit.appName,
        tool: 'echo',
        params: { value: 2 },
      })
      expect(outcome.result).toBe(2)
      expect(toolkit.registration.sent).toHaveLength(sent)
    },
  },
  {
    says: '3 toolkit socket: a call whose toolkit goes away is answered with an error long before its time is up',
    async run(scene) {
      const { apiKey, appName } = await scene.register([echo])
      const socket = await scene.toolkitSocket(apiKey)
      const call = (await scene.llm({ timeoutMs: 20_000 })).callTool({ toolkitId: appName, tool: 'echo' })
      await socket.next(isToolRequest)
      socket.socket.terminate()
      expect(errorOf((await call).result)).toBeDefined()
    },
  },
  {
    says: '3 toolkit socket: nothing but this wire is spoken, also when the server stops',
    ownHub: true,
    async run(scene) {
      const { apiKey } = await scene.register([echo])
      const socket = await scene.toolkitSocket(apiKey)
      scene.hub = await scene.hub.restart()
      await socket.closed
      expect(socket.frames.map(({ message_type }) => message_type)).toEqual(['atp_client_connected'])
    },
  },
  ...(['0.1.0', '0.2.5'] as const).map(
    (version): Sentence => ({
      says: `3 toolkit socket: a wrong key is refused in the handshake or closed without a greeting, at the URL of ${version}`,
      run: (scene) => expectNoGreeting(scene, toolkitSocketPath(version, 'wrong-key')),
    }),
  ),
]

function withToken(tool: string): { tool: string; authToken: string } {
  return { tool, authToken: 'secret' }
}

function answer(socket: Awaited<ReturnType<Scene['socket']>>, request: Record<string, unknown>, result: unknown): void {
  const { request_id } = request.payload as { request_id: string }
  socket.send(fillFrame('toolkit-tool-response', { request_id, result }))
}

/** The frame that a call makes the server send. */
async function requestOf(
  scene: Scene,
  tool: LegacyTool,
  call: { params?: Record<string, unknown>; authToken?: string },
): Promise<{ request: Record<string, unknown> }> {
  const { apiKey, appName } = await scene.register([tool])
  const socket = await scene.toolkitSocket(apiKey)
  const outcome = (await scene.llm()).callTool({ toolkitId: appName, tool: tool.name, ...call })
  const request = await socket.next(isToolRequest)
  answer(socket, request, 'done')
  expect((await outcome).result).toBe('done')
  return { request }
}
