import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'vitest'
import { legacyFetch } from '../http.ts'
import { llmSocketPath, type SdkVersion, toolkitSocketPath } from '../sdk-version.ts'
import { LegacyToolkit } from '../toolkit/legacy-toolkit.ts'
import { openWireSocket } from '../wire-socket.ts'
import type { Scene } from './scene.ts'
import { echo, type Sentence } from './sentence.ts'

const hammerMs = 3_000
const hammers = 5

/** Sections 1 and 3 of the reference: what a server has to bear, and what it must not tell. */
export const robustnessSentences: readonly Sentence[] = [
  ...(['0.1.0', '0.2.5'] as const).map(
    (version): Sentence => ({
      says: `3 reconnect: toolkits with a wrong key that come back without pause are survived, while good keys are served (URL of ${version})`,
      ownHub: true,
      timeoutMs: 60_000,
      run: (scene) => survive(scene, version),
    }),
  ),
  {
    says: '4 reconnect: LLM clients with a wrong key that come back without pause are survived, while good keys are served',
    ownHub: true,
    timeoutMs: 60_000,
    async run(scene) {
      const { appName } = await scene.serve([echo])
      const llm = await scene.llm()
      let answered = 0
      const end = Date.now() + hammerMs
      const hammer = async (): Promise<void> => {
        while (Date.now() < end) {
          const socket = await scene.socket(llmSocketPath('0.2.5', 'wrong-key')).catch(() => undefined)
          socket?.send({ type: 'auth', api_key: 'wrong-key' })
          await socket?.closed
          answered += socket?.frames.length ?? 0
          await new Promise((turn) => setImmediate(turn))
        }
      }
      const hammering = Promise.all(Array.from({ length: hammers }, hammer))
      await serveMeanwhile(end, async () => {
        expect((await llm.callTool({ toolkitId: appName, tool: 'echo', params: { value: 1 } })).result).toBe(1)
      })
      await hammering
      expect(answered).toBeLessThanOrEqual(allowed(hammerMs))
    },
  },
  {
    says: '1 keys: keys never reach a log',
    ownHub: true,
    async run(scene) {
      const toolkit = await scene.serve([echo])
      const llmKey = await scene.hub.createLlmKey()
      for (const protocol of ['ws', 'http'] as const) {
        const llm = await scene.llm({ protocol, apiKey: llmKey })
        await llm.callTool({ toolkitId: toolkit.appName, tool: 'echo' })
        await llm.callTool({ toolkitId: toolkit.appName, tool: 'unknown' })
      }
      const wrongKey = 'atp_toolkit_wrong0wrong0wrong0wrong0wrong0wrong0wrong'
      for (const key of [toolkit.apiKey, llmKey, wrongKey]) await knockEverywhere(scene, key)
      await toolkit.stop()
      const logs = scene.hub.logs()
      expect(logs).not.toBe('')
      for (const key of [toolkit.apiKey, llmKey, wrongKey]) expect(logs).not.toContain(key)
    },
  },
]

async function survive(scene: Scene, version: SdkVersion): Promise<void> {
  const { appName } = await scene.serve([echo])
  const llm = await scene.llm()
  const wrong = Array.from({ length: hammers }, () => {
    return new LegacyToolkit({ baseUrl: scene.hub.baseUrl, apiKey: 'wrong-key', appName, tools: [echo], version })
  })
  const connecting = wrong.map((toolkit) => toolkit.connect().catch(() => {}))
  await serveMeanwhile(Date.now() + hammerMs, async () => {
    expect((await llm.callTool({ toolkitId: appName, tool: 'echo', params: { value: 1 } })).result).toBe(1)
  })
  // New connections with good keys are taken meanwhile.
  const late = await scene.serve([echo])
  const lateLlm = await scene.llm()
  expect((await lateLlm.callTool({ toolkitId: late.appName, tool: 'echo', params: { value: 2 } })).result).toBe(2)
  await Promise.all(wrong.map((toolkit) => toolkit.stop()))
  await Promise.all(connecting)
  const accepted = wrong.reduce((sum, toolkit) => sum + toolkit.accepted, 0)
  expect(wrong.every(({ greetings }) => greetings === 0)).toBe(true)
  expect(accepted).toBeLessThanOrEqual(allowed(hammerMs))
}

/** How many handshakes of wrong keys may succeed: about one per second and peer, and some to begin with. */
function allowed(ms: number): number {
  return hammers * (ms / 1_000 + 2)
}

/** Repeats a piece of good work until a time has come. */
async function serveMeanwhile(end: number, work: () => Promise<void>): Promise<void> {
  do {
    await work()
    await wait(50)
  } while (Date.now() < end)
}

/** Every address of the wire that can hold a key, and some that do not exist. */
async function knockEverywhere(scene: Scene, key: string): Promise<void> {
  const { baseUrl } = scene.hub
  const paths = [
    `toolkit/${key}/inbox/unknown`,
    `toolkit/${key}`,
    `atp/toolkit-client/${key}/`,
    `atp/${key}/?api_key=${key}`,
  ]
  for (const path of paths) await legacyFetch(`${baseUrl}/api/v1/${path}`)
  await legacyFetch(`${baseUrl}/api/v1/toolkit/${key}/inbox/respond`, { body: { request_id: 'r', response: 1 } })
  await legacyFetch(`${baseUrl}/api/v1/toolkit/${key}/inbox/respond`, { body: '{"broken' })
  for (const path of ['register_tool', 'toolkit/verify_hash', 'toolkit/verify_tool_hash', 'execute_function']) {
    await legacyFetch(`${baseUrl}/api/v1/${path}`, { body: { api_key: key, app_name: 5 } })
  }
  for (const path of [toolkitSocketPath('0.1.0', key), toolkitSocketPath('0.2.5', key), llmSocketPath('0.2.5', key)]) {
    const socket = await openWireSocket(baseUrl.replace('http', 'ws') + path).catch(() => undefined)
    if (socket === undefined) continue
    socket.sendText(`{"type": "auth", "api_key": "${key}"}`)
    socket.sendText('{broken')
    const pong = new Promise((resolve) => socket.socket.once('pong', resolve))
    if (socket.socket.readyState === socket.socket.OPEN) socket.socket.ping()
    // Frames are read in order, so the pong comes after both were.
    await Promise.race([pong, socket.closed])
    await socket[Symbol.asyncDispose]()
  }
}
