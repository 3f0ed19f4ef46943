import { expect } from 'vitest'
import { expectFrame } from '../frames.ts'
import type { LegacyCallRequest } from '../llm/llm-messages.ts'
import type { LegacyTool } from '../toolkit/legacy-tool.ts'
import type { Scene } from './scene.ts'
import { echo, errorOf, join, type Sentence, whoami } from './sentence.ts'

const failing: LegacyTool = {
  ...echo,
  handler: () => {
    throw new Error('Größe "x" is wrong')
  },
}

/** Section 4 of the reference: the table of errors. Each is shown over both transports. */
export const errorSentences: readonly Sentence[] = [
  {
    says: '4 errors: missing required parameters are named in order',
    run: (scene) => expectError(scene, join, {}, 'Missing required parameters: first, second'),
  },
  {
    says: '4 errors: only what is missing is named',
    run: (scene) =>
      expectError(scene, join, { params: { first: 'a', third: 'c' } }, 'Missing required parameters: second'),
  },
  {
    says: '4 errors: missing parameters are answered before dispatch, even while the toolkit is offline',
    async run(scene) {
      const { appName } = await scene.register([join])
      const outcome = await (await scene.llm()).callTool({ toolkitId: appName, tool: 'join' })
      expect(outcome.result).toEqual({ error: 'Missing required parameters: first, second' })
    },
  },
  {
    says: '4 errors: falsy values are not missing',
    async run(scene) {
      const { appName } = await scene.serve([join])
      const outcome = await (await scene.llm()).callTool({
        ...{ toolkitId: appName, tool: 'join', params: { first: '', second: 0 } },
      })
      expect(outcome.result).toBe(' 0')
    },
  },
  {
    says: '4 errors: a missing token of a tool with an auth_type is named',
    run: (scene) => expectError(scene, whoami, {}, "Function 'whoami' requires 'auth_token', but none was provided."),
  },
  {
    says: '4 errors: an empty token counts as none',
    run: (scene) =>
      expectError(scene, whoami, { authToken: '' }, "Function 'whoami' requires 'auth_token', but none was provided."),
  },
  {
    says: '4 errors: a missing token is answered before dispatch, even while the toolkit is offline',
    async run(scene) {
      const { appName } = await scene.register([whoami])
      const outcome = await (await scene.llm()).callTool({ toolkitId: appName, tool: 'whoami' })
      expect(outcome.result).toEqual({ error: "Function 'whoami' requires 'auth_token', but none was provided." })
    },
  },
  {
    says: '4 errors: auth_token among required_params is never reported missing as a parameter',
    async run(scene) {
      const { appName } = await scene.serve([whoami])
      const llm = await scene.llm()
      const outcome = await llm.callTool({ toolkitId: appName, tool: 'whoami', authToken: 'secret' })
      expect(outcome.result).toEqual({ token: 'secret', params: {} })
    },
  },
  {
    says: '4 errors: what a tool throws arrives as the toolkit sent it',
    async run(scene) {
      const toolkit = await scene.serve([failing])
      for (const protocol of ['ws', 'http'] as const) {
        const outcome = await (await scene.llm({ protocol })).callTool({ toolkitId: toolkit.appName, tool: 'echo' })
        expect(outcome.result).toEqual({ error: 'Größe "x" is wrong' })
        expect(outcome.frame.status).not.toBe('error')
      }
    },
  },
  {
    says: '4 errors: an unknown tool is {"error": text}',
    run: (scene) => expectError(scene, echo, { tool: 'unknown' }, undefined),
  },
  {
    says: '4 errors: an unknown toolkit is {"error": text}',
    run: (scene) => expectError(scene, echo, { toolkitId: scene.newName() }, undefined),
  },
  {
    says: '4 errors: a toolkit that is offline is {"error": text}, at once',
    async run(scene) {
      const { appName } = await scene.register([echo])
      for (const protocol of ['ws', 'http'] as const) {
        const llm = await scene.llm({ protocol, timeoutMs: 20_000 })
        expect(errorOf((await llm.callTool({ toolkitId: appName, tool: 'echo' })).result)).toBeDefined()
      }
    },
  },
  {
    says: '4 errors: a timeout is {"error": text}',
    async run(scene) {
      const { apiKey, appName } = await scene.register([echo])
      await scene.toolkitSocket(apiKey)
      for (const protocol of ['ws', 'http'] as const) {
        const outcome = await (await scene.llm({ protocol })).callTool({
          ...{ toolkitId: appName, tool: 'echo', extra: { timeout_ms: 400 } },
        })
        expect(errorOf(outcome.result)).toBeDefined()
        expect(outcome.frame.status).not.toBe('error')
      }
    },
  },
  {
    says: '4 errors: names such as __proto__ and constructor are unknown like any other',
    async run(scene) {
      const { appName } = await scene.serve([echo])
      const llm = await scene.llm()
      for (const name of ['__proto__', 'constructor', 'toString', '']) {
        expect(errorOf((await llm.callTool({ toolkitId: appName, tool: name })).result)).toBeDefined()
        expect(errorOf((await llm.callTool({ toolkitId: name, tool: 'echo' })).result)).toBeDefined()
      }
    },
  },
]

/** A connected toolkit that must hear nothing of the call, and both transports. */
async function expectError(
  scene: Scene,
  tool: LegacyTool,
  call: Partial<LegacyCallRequest>,
  text: string | undefined,
): Promise<void> {
  const toolkit = await scene.serve([tool])
  for (const protocol of ['ws', 'http'] as const) {
    const llm = await scene.llm({ protocol })
    const { frame, result } = await llm.callTool({ toolkitId: toolkit.appName, tool: tool.name, ...call })
    expect(errorOf(result)).toEqual(text ?? expect.any(String))
    expect(expectFrame('llm-task-response', frame)).toMatchObject({ tool: call.tool ?? tool.name })
    expect(frame.status).not.toBe('error')
  }
  expect(toolkit.requests).toEqual([])
}
