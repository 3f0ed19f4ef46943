import { expect } from 'vitest'
import { expectFrame, fillFrame } from '../frames.ts'
import { legacyFetch } from '../http.ts'
import { codeHash, type LegacyTool, toolkitHash } from '../toolkit/legacy-tool.ts'
import type { LegacyToolkit } from '../toolkit/legacy-toolkit.ts'
import type { Scene } from './scene.ts'
import { echo, join, type Sentence, whoami } from './sentence.ts'

const first: LegacyTool = { name: 'first', source: 'def first(**kwargs): return 1', handler: () => 1 }
const second: LegacyTool = { name: 'second', source: 'def second(**kwargs): return 2', handler: () => 2 }
const changed: LegacyTool = { ...first, source: 'def first(**kwargs): return 3', handler: () => 3 }

/** Section 2 of the reference, without the inbox: registrations and their hashes. */
export const registrationSentences: readonly Sentence[] = [
  ...(['0.1.0', '0.1.5', '0.2.0', '0.2.2', '0.2.5'] as const).map(
    (version): Sentence => ({
      says: `2 registration: register_tool answers ${version} with 200 and an exchange_token`,
      async run(scene) {
        const toolkit = await scene.toolkit([echo, whoami], { version })
        const body = await toolkit.registration.body(echo)
        expectFrame('http-registered', (await post(scene, 'register_tool', body)).json)
        await toolkit.register()
        expect([...toolkit.registration.exchangeTokens.keys()]).toEqual(expect.arrayContaining(['whoami']))
        expect(await toolNames(scene, toolkit)).toEqual(['echo', 'whoami'])
      },
    }),
  ),
  {
    says: '2 registration: source_code may be missing',
    async run(scene) {
      const toolkit = await scene.register([echo], { withoutSource: true })
      expect(toolkit.registration.sent).toEqual(['echo'])
      expect(await toolNames(scene, toolkit)).toEqual(['echo'])
    },
  },
  {
    says: '2 registration: sample_response may be any JSON, as before 0.2.3',
    async run(scene) {
      const tools = [0, '', null, ['a'], { deep: { er: [1, null] } }].map((value, at): LegacyTool => {
        return { name: `sample_${at}`, params: ['x'], handler: () => value }
      })
      const toolkit = await scene.register(tools, { version: '0.2.2' })
      expect(await toolNames(scene, toolkit)).toEqual(tools.map(({ name }) => name))
    },
  },
  {
    says: '2 registration: auth_* are texts or null',
    async run(scene) {
      const apiKeyed: LegacyTool = {
        ...whoami,
        name: 'keyed',
        auth: { provider: 'x', type: 'apiKey', with: 'api_key' },
      }
      const toolkit = await scene.register([whoami, apiKeyed, echo])
      expect(await toolNames(scene, toolkit)).toEqual(['echo', 'keyed', 'whoami'])
    },
  },
  {
    says: '2 registration: a tool registered again takes the place of the old one',
    async run(scene) {
      const { appName, apiKey } = await scene.register([{ ...join, description: 'old' }])
      const toolkit = await scene.register([{ ...join, description: 'new', params: ['only'], requiredParams: [] }], {
        ...{ appName, apiKey },
      })
      const context = JSON.stringify(await (await scene.llm()).getToolkitContext({ toolkitId: toolkit.appName }))
      expect(context).toContain('new')
      expect(context).not.toContain('old')
    },
  },
  {
    says: '2 registration: verify_hash and verify_tool_hash answer exactly {"up_to_date": bool}',
    async run(scene) {
      const { apiKey, appName } = await scene.register([first])
      for (const [hash, known] of [
        [toolkitHash([first]), true],
        ['unknown', false],
      ] as const) {
        const body = fillFrame('http-verify-hash', { key: apiKey, app_name: appName, toolkit_hash: hash })
        const { status, json } = await post(scene, 'toolkit/verify_hash', body)
        expect({ status, ...expectFrame('http-verified', json) }).toEqual({ status: 200, up_to_date: known })
      }
      for (const [hash, known] of [
        [codeHash(first), true],
        ['unknown', false],
      ] as const) {
        const body = fillFrame('http-verify-tool-hash', { key: apiKey, tool: 'first', tool_hash: hash })
        const { status, json } = await post(scene, 'toolkit/verify_tool_hash', body)
        expect({ status, ...expectFrame('http-verified', json) }).toEqual({ status: 200, up_to_date: known })
      }
    },
  },
  {
    says: '2 registration: verify_hash is true only when all tools behind that very hash are stored',
    async run(scene) {
      const toolkit = await scene.register([first])
      const verify = (...tools: LegacyTool[]): Promise<boolean> => toolkit.registration.verify(toolkitHash(tools))
      expect(await verify(first)).toBe(true)
      expect(await verify(first, second)).toBe(false)
      expect(await verify(second)).toBe(false)
      await toolkit.registration.add(second)
      expect(await verify(first, second)).toBe(true)
    },
  },
  {
    says: '2 registration: verify_hash is false for a hash whose tool has changed since',
    async run(scene) {
      const { apiKey, appName } = await scene.register([first, second])
      const later = await scene.register([changed, second], { apiKey, appName })
      expect(await later.registration.verify(toolkitHash([first, second]))).toBe(false)
      expect(await later.registration.verify(toolkitHash([changed, second]))).toBe(true)
    },
  },
  {
    says: '2 registration: verify_hash is false for a toolkit that nothing was registered for, and for an unknown hash',
    async run(scene) {
      const empty = await scene.toolkit([])
      expect(await empty.registration.verify(toolkitHash([first]))).toBe(false)
      const toolkit = await scene.register([first])
      expect(await toolkit.registration.verify('0'.repeat(64))).toBe(false)
    },
  },
  {
    says: '2 registration: a hash counts for the toolkit of its key only',
    async run(scene) {
      await scene.register([first])
      const other = await scene.register([second])
      expect(await other.registration.verify(toolkitHash([first]))).toBe(false)
      expect(await other.registration.verifyTool(first)).toBe(false)
    },
  },
  {
    says: '2 registration: after the last registration the full hash verifies',
    async run(scene) {
      const tools = ['d', 'b', 'a', 'c'].map((name): LegacyTool => ({ ...echo, name }))
      for (const version of ['0.2.0', '0.2.2', '0.2.5'] as const) {
        const toolkit = await scene.register(tools, { version })
        expect(await toolkit.registration.verify(toolkitHash(tools))).toBe(true)
      }
    },
  },
  {
    says: '2 registration: start() finds the full hash verified and registers nothing more',
    async run(scene) {
      const toolkit = await scene.toolkit([first, second])
      await toolkit.register()
      expect(toolkit.registration.sent).toEqual(['first', 'second'])
      await toolkit.start()
      expect(toolkit.registration.sent).toEqual(['first', 'second'])
    },
  },
  {
    says: '2 registration: true means skip, so the same toolkit registers nothing when it comes again',
    async run(scene) {
      const { apiKey, appName } = await scene.register([first])
      const again = await scene.serve([first], { apiKey, appName })
      expect(again.registration.sent).toEqual([])
    },
  },
  {
    says: '2 registration: verify_tool_hash is true only for the stored hash of that tool',
    async run(scene) {
      const toolkit = await scene.register([first, second])
      expect(await toolkit.registration.verifyTool(first)).toBe(true)
      expect(await toolkit.registration.verifyTool(changed)).toBe(false)
      expect(await toolkit.registration.verifyTool({ ...first, name: 'second' })).toBe(false)
    },
  },
  {
    says: '2 registration: verify_tool_hash is false for an unknown tool',
    async run(scene) {
      const toolkit = await scene.register([first])
      expect(await toolkit.registration.verifyTool({ ...first, name: 'unknown' })).toBe(false)
    },
  },
  {
    says: '2 registration: hashes are opaque texts of any shape',
    async run(scene) {
      const toolkit = await scene.toolkit([first])
      const body = { ...(await toolkit.registration.body(first)), code_hash: 'not hex: ü', toolkit_hash: 'nor this: ü' }
      expectFrame('http-registered', (await post(scene, 'register_tool', body)).json)
      expect(await toolkit.registration.verify('nor this: ü')).toBe(true)
    },
  },
  {
    says: '2 registration: registrations outlive a server restart',
    ownHub: true,
    async run(scene) {
      const before = await scene.serve([first, second])
      await before.stop()
      scene.hub = await scene.hub.restart()
      const { apiKey, appName } = before
      const after = await scene.toolkit([first, second], { apiKey, appName })
      expect(await after.registration.verify(toolkitHash([first, second]))).toBe(true)
      expect(await after.registration.verifyTool(first)).toBe(true)
      expect(await toolNames(scene, after)).toEqual(['first', 'second'])
    },
  },
  {
    says: '2 registration: a toolkit that never registers again is served after a server restart',
    ownHub: true,
    async run(scene) {
      const before = await scene.serve([first])
      await before.stop()
      scene.hub = await scene.hub.restart()
      const after = await scene.toolkit([first], { apiKey: before.apiKey, appName: before.appName })
      await after.connect()
      const outcome = await (await scene.llm()).callTool({ toolkitId: before.appName, tool: 'first' })
      expect(outcome.result).toBe(1)
    },
  },
  {
    says: '2 registration: no answer holds source code',
    async run(scene) {
      const source = `def hidden(): return "${scene.newName()}"`
      const toolkit = await scene.serve([{ ...echo, source, handler: () => 'shown' }])
      const llm = await scene.llm({ protocol: 'http' })
      const { toolkit_id } = await llm.getToolkitContext({ toolkitId: toolkit.appName })
      const answers = [
        await post(scene, 'register_tool', await toolkit.registration.body({ ...echo, source })),
        ...(await Promise.all(
          ['openai', 'anthropic', 'mistralai'].map((provider) =>
            llm.getToolkitContext({ toolkitId: toolkit.appName, provider }),
          ),
        )),
        await llm.callTool({ toolkitId: toolkit.appName, tool: 'echo' }),
        await llm.callTool({ toolkitId: toolkit.appName, tool: 'unknown' }),
        await llm.listMyToolkits('?page_size=100'),
        await llm.listStoreToolkits(),
        await llm.getToolkitDetails(String(toolkit_id)),
      ]
      expect(JSON.stringify(answers)).toContain('shown')
      expect(JSON.stringify(answers)).not.toContain('def hidden')
    },
  },
]

async function toolNames(scene: Scene, toolkit: LegacyToolkit): Promise<unknown[]> {
  const { tools } = await (await scene.llm()).getToolkitContext({ toolkitId: toolkit.appName })
  return (tools as { name: string }[]).map(({ name }) => name).sort()
}

function post(scene: Scene, path: string, body: unknown): ReturnType<typeof legacyFetch> {
  return legacyFetch(`${scene.hub.baseUrl}/api/v1/${path}`, { body })
}
