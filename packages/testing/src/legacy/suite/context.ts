import { expect } from 'vitest'
import { expectFrame } from '../frames.ts'
import { isObject } from '../python-json.ts'
import type { LegacyTool } from '../toolkit/legacy-tool.ts'
import type { Scene } from './scene.ts'
import { echo, join, type Sentence, whoami } from './sentence.ts'

const shapes = [
  ['openai', 'tool-openai'],
  ['anthropic', 'tool-anthropic'],
  ['mistralai', 'tool-mistralai'],
] as const

/** Section 4 of the reference: `toolkit_context`. */
export const contextSentences: readonly Sentence[] = [
  ...shapes.map(
    ([provider, shape]): Sentence => ({
      says: `4 context: a tool for ${provider} is exactly what that provider takes`,
      async run(scene) {
        const description = 'Joins "two" texts, größer'
        const { payload } = await contextOf(scene, [{ ...join, description }], { provider })
        const slots = expectFrame(shape, payload.tools[0])
        expect(slots).toMatchObject({ tool: 'join', description, required: ['first', 'second'] })
        const properties = slots.properties as Record<string, unknown>
        expect(Object.keys(properties)).toEqual(['first', 'second', 'third'])
        for (const property of Object.values(properties)) expectFrame('tool-parameter', property)
      },
    }),
  ),
  {
    says: '4 context: the answer is exactly {type, request_id, payload: {toolkit_id, toolkit_name, caption, provider, tools, user_prompt}}',
    async run(scene) {
      for (const protocol of ['ws', 'http'] as const) {
        const { frame, appName } = await contextOf(scene, [echo], { provider: 'openai', protocol })
        expect(expectFrame('llm-context', frame)).toMatchObject({ toolkit_name: appName, provider: 'openai' })
        expect(Object.keys(frame.payload as object)).toEqual(expect.arrayContaining(['provider', 'caption']))
      }
    },
  },
  {
    says: '4 context: provider and user_prompt are echoed',
    async run(scene) {
      const userPrompt = 'Größe? "ja"\n🙂'
      const { payload } = await contextOf(scene, [echo], { provider: 'anthropic', userPrompt })
      expect(payload).toMatchObject({ provider: 'anthropic', user_prompt: userPrompt })
    },
  },
  ...(
    [
      ['OpenAI', 'tool-openai'],
      ['ANTHROPIC', 'tool-anthropic'],
      ['MistralAI', 'tool-mistralai'],
      ['mistral', 'tool-mistralai'],
      ['Mistral', 'tool-mistralai'],
    ] as const
  ).map(
    ([provider, shape]): Sentence => ({
      says: `4 context: the provider's name may be written ${provider}`,
      async run(scene) {
        const { payload } = await contextOf(scene, [echo], { provider })
        expectFrame(shape, payload.tools[0])
      },
    }),
  ),
  {
    says: '4 context: a request for an unknown provider is answered too',
    async run(scene) {
      const { appName } = await scene.register([echo])
      const frame = await (await scene.llm()).contextFrame({ toolkitId: appName, provider: 'nobody' })
      expect(frame.type).toBe('toolkit_context')
    },
  },
  ...(['0.1.2', '0.1.4'] as const).map(
    (version): Sentence => ({
      says: `4 context: ${version} names no provider and gets a text payload.context`,
      async run(scene) {
        const { appName } = await scene.register([echo])
        const context = await (await scene.llm({ version })).getToolkitContext({ toolkitId: appName })
        expect(context).toMatchObject({ context: expect.any(String), toolkit_name: appName })
      },
    }),
  ),
  {
    says: '4 context: 0.1.5 over HTTP reads contexts whose tools have a member "function"',
    async run(scene) {
      const { appName } = await scene.register([echo])
      const llm = await scene.llm({ version: '0.1.5', protocol: 'http' })
      const { tools } = await llm.getToolkitContext({ toolkitId: appName, provider: 'mistralai' })
      expect(tools).toHaveLength(1)
    },
  },
  {
    says: '4 context: an unknown toolkit is answered with exactly {"error": str, "tools": []} on the socket',
    async run(scene) {
      const frame = await (await scene.llm()).contextFrame({ toolkitId: scene.newName() })
      expectFrame('llm-context-unknown-toolkit', frame)
    },
  },
  {
    says: '4 context: auth_token is left out of properties and required',
    async run(scene) {
      for (const [provider] of shapes) {
        const { payload } = await contextOf(scene, [whoami], { provider })
        const text = JSON.stringify(payload.tools)
        expect(text).toContain('"detail"')
        expect(text).not.toContain('auth_token')
      }
    },
  },
  {
    says: '4 context: a tool without parameters has an empty object schema',
    async run(scene) {
      const { payload } = await contextOf(scene, [{ name: 'bare', handler: () => 1 }], { provider: 'openai' })
      expect(expectFrame('tool-openai', payload.tools[0])).toMatchObject({ properties: {}, required: [] })
    },
  },
  {
    says: '4 context: all tools are in it',
    async run(scene) {
      const tools = Array.from({ length: 12 }, (_, at): LegacyTool => ({ ...echo, name: `tool_${at}` }))
      const { payload } = await contextOf(scene, tools, { provider: 'openai' })
      const names = payload.tools.map((tool) => isObject(tool) && tool.name)
      expect(names.sort()).toEqual(tools.map(({ name }) => name).sort())
    },
  },
]

async function contextOf(
  scene: Scene,
  tools: readonly LegacyTool[],
  request: { provider: string; userPrompt?: string; protocol?: 'ws' | 'http' },
): Promise<{ frame: Record<string, unknown>; appName: string; payload: { tools: unknown[] } }> {
  const { appName } = await scene.register(tools)
  const llm = await scene.llm({ protocol: request.protocol })
  const frame = await llm.contextFrame({ toolkitId: appName, ...request })
  expectFrame('llm-context', frame)
  return { frame, appName, payload: frame.payload as { tools: unknown[] } }
}
