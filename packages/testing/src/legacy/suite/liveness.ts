import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'vitest'
import { fillFrame } from '../frames.ts'
import type { WireSocket } from '../wire-socket.ts'
import type { Scene } from './scene.ts'
import { echo, errorOf, isToolRequest, type Sentence } from './sentence.ts'

const hub = { heartbeatMs: 300, livenessMs: 1_500 }
/** More than the time after which a silent socket is dropped. */
const longMs = 3_500
const timeoutMs = 60_000

/** Section 3 of the reference and design.md section 5: who counts as alive. */
export const livenessSentences: readonly Sentence[] = [
  {
    says: '3 liveness: a socket that shows no sign of life at all is dropped',
    ...{ hub, timeoutMs },
    async run(scene) {
      const { apiKey } = await scene.register([echo])
      const silent = await scene.toolkitSocket(apiKey, { autoPong: false })
      expect(await silent.closed).toBeTypeOf('number')
    },
  },
  {
    says: "3 liveness: a socket whose tool runs longer than that, answering no ping, is kept until the tool's end",
    ...{ hub, timeoutMs },
    async run(scene) {
      const toolkit = await scene.serve([
        {
          ...echo,
          async handler({ value }) {
            await wait(longMs)
            return value
          },
        },
      ])
      const llm = await scene.llm()
      const outcome = await llm.callTool({ toolkitId: toolkit.appName, tool: 'echo', params: { value: 'slow' } })
      expect(outcome.result).toBe('slow')
      expect(toolkit.attempts).toBe(1)
    },
  },
  {
    says: '3 liveness: calls queued behind a long one keep the socket too',
    ...{ hub, timeoutMs },
    async run(scene) {
      const toolkit = await scene.serve([
        {
          ...echo,
          async handler({ value }) {
            await wait(longMs / 2)
            return value
          },
        },
      ])
      const llm = await scene.llm()
      const calls = [1, 2, 3].map((value) => {
        return llm.callTool({ toolkitId: toolkit.appName, tool: 'echo', params: { value } })
      })
      expect((await Promise.all(calls)).map(({ result }) => result)).toEqual([1, 2, 3])
      expect(toolkit.attempts).toBe(1)
    },
  },
  {
    says: '3 liveness: a socket that stays silent beyond the deadline of its call is dropped then, not before',
    ...{ hub, timeoutMs },
    async run(scene) {
      const { apiKey, appName } = await scene.register([echo])
      const silent = await scene.toolkitSocket(apiKey, { autoPong: false })
      const start = performance.now()
      const lived = silent.closed.then(() => performance.now() - start)
      const outcome = await (await scene.llm()).callTool({
        ...{ toolkitId: appName, tool: 'echo', extra: { timeout_ms: longMs } },
      })
      expect(errorOf(outcome.result)).toBeDefined()
      // A little less, as clocks and timers round.
      expect(await lived).toBeGreaterThan(longMs - 50)
    },
  },
  {
    says: '3 liveness: any inbound frame counts as life, such as pings of its own',
    ...{ hub, timeoutMs },
    async run(scene) {
      const { apiKey, appName } = await scene.register([echo])
      const pinging = await scene.toolkitSocket(apiKey, { autoPong: false })
      const timer = setInterval(() => pinging.socket.ping(), hub.heartbeatMs)
      try {
        await outliveSilentSockets(scene)
        const call = (await scene.llm()).callTool({ toolkitId: appName, tool: 'echo' })
        answerAll(pinging, 'alive')
        expect((await call).result).toBe('alive')
      } finally {
        clearInterval(timer)
      }
    },
  },
  {
    says: '3 liveness: any inbound frame counts as life, such as a late answer',
    ...{ hub, timeoutMs },
    async run(scene) {
      const { apiKey } = await scene.register([echo])
      const talking = await scene.toolkitSocket(apiKey, { autoPong: false })
      const timer = setInterval(() => {
        talking.send({ type: 'tool_response', request_id: 'late', result: 1 })
      }, hub.heartbeatMs)
      try {
        await outliveSilentSockets(scene)
        expect(talking.socket.readyState).toBe(talking.socket.OPEN)
      } finally {
        clearInterval(timer)
      }
    },
  },
  {
    says: '3 liveness: when a socket joins a key, the older ones are pinged',
    async run(scene) {
      const { apiKey } = await scene.register([echo])
      const older = await scene.toolkitSocket(apiKey)
      const before = older.pings
      await scene.toolkitSocket(apiKey)
      await expect.poll(() => older.pings, { timeout: 10_000 }).toBeGreaterThan(before)
    },
  },
  {
    says: '3 liveness: when a socket joins a key, the older ones get no calls until a frame of theirs arrives',
    async run(scene) {
      const { apiKey, appName } = await scene.register([echo])
      const older = await scene.toolkitSocket(apiKey, { autoPong: false })
      const newer = await scene.toolkitSocket(apiKey)
      const llm = await scene.llm()
      answerAll(newer, 'newer')
      for (let calls = 0; calls < 5; calls += 1) {
        expect((await llm.callTool({ toolkitId: appName, tool: 'echo' })).result).toBe('newer')
      }
      expect(older.frames.filter(isToolRequest)).toEqual([])
    },
  },
  {
    says: '3 liveness: an older socket that shows life gets calls again',
    async run(scene) {
      const { apiKey, appName } = await scene.register([echo])
      const older = await scene.toolkitSocket(apiKey, { autoPong: false })
      const newer = await scene.toolkitSocket(apiKey)
      answerAll(older, 'older')
      older.socket.ping()
      await new Promise((pong) => older.socket.once('pong', pong))
      const llm = await scene.llm()
      // The newer one answers nothing, so that the older one has less to do.
      const calls = [1, 2, 3, 4].map(() =>
        llm.callTool({ toolkitId: appName, tool: 'echo', extra: { timeout_ms: 5_000 } }),
      )
      expect((await Promise.race(calls)).result).toBe('older')
      answerAll(newer, 'newer')
      await Promise.all(calls)
    },
  },
]

/** Waits until two sockets in a row were dropped for their silence. */
async function outliveSilentSockets(scene: Scene): Promise<void> {
  for (let sockets = 0; sockets < 2; sockets += 1) {
    const { apiKey } = await scene.register([echo])
    const silent = await scene.toolkitSocket(apiKey, { autoPong: false })
    await silent.closed
  }
}

/** Answers every request, old and new, with one result. */
function answerAll(socket: WireSocket, result: unknown): void {
  const answer = (frame: Record<string, unknown>): void => {
    if (!isToolRequest(frame)) return
    const { request_id } = frame.payload as { request_id: string }
    socket.send(fillFrame('toolkit-tool-response', { request_id, result }))
  }
  for (const frame of socket.frames) answer(frame)
  socket.socket.on('message', (data) => answer(JSON.parse(data.toString()) as Record<string, unknown>))
}
