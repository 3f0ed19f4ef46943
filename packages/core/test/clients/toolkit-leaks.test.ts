import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ToolKitClient } from '../../src/clients/toolkit-client.ts'
import { AtpError } from '../../src/errors/atp-error.ts'
import { encodeFrame } from '../../src/protocol/codec.ts'
import { connectInboxPolling } from '../../src/transport/inbox-polling.ts'
import { toolkitServer, welcomeFrame } from './scripted-server.ts'
import { acceptTools, makeClient, settleHashes } from './toolkit-support.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

it('a toolkit that reconnects over and over has no more timers than one that connected once', async () => {
  const server = toolkitServer()
  const client = makeClient(server, { backoff: { random: () => 0 }, idleTimeoutMs: 1_000_000 })
  const starting = client.start()
  let peer = await server.welcome({ capabilities: ['results'] })
  await acceptTools(peer)
  await starting
  await settleHashes()
  const timers = vi.getTimerCount()
  for (let round = 0; round < 300; round += 1) {
    peer.raw.terminate()
    await vi.advanceTimersByTimeAsync(0)
    peer = await server.welcome({ capabilities: ['results'] })
    await peer.next('running')
    await acceptTools(peer)
  }
  await vi.waitFor(() => expect(client.state).toBe('connected'))
  await settleHashes()
  expect(vi.getTimerCount()).toBe(timers)
  await client.stop()
  expect(vi.getTimerCount()).toBe(0)
})

it('polling that is refused and begun anew leaves no listener behind', async () => {
  const listeners = new Set<() => void>()
  let polls = 0
  const connect = connectInboxPolling({
    slots: {
      free: 1,
      onChange(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    async post({ url, body }) {
      if (url.endsWith('/poll')) {
        polls += 1
        throw new AtpError('gone', 'say hello', { details: { status: 410 } })
      }
      const { frames } = JSON.parse(body) as { frames: { type: string; request_id: string }[] }
      const answers = frames.flatMap(({ type, request_id: requestId }) => {
        if (type === 'hello') return [encodeFrame(welcomeFrame())]
        const none = { tools: [], rejected: [], resend: false }
        return type === 'register' ? [encodeFrame({ type: 'registered', requestId, toolkitId: 't1', ...none })] : []
      })
      return { frames: answers.map((text) => JSON.parse(text) as unknown) }
    },
  })
  const client = new ToolKitClient({
    apiKey: 'atp_toolkit_key',
    appName: 'demo',
    connect,
    backoff: { random: () => 0 },
  })
  void client.start().catch(() => {})
  while (polls < 300) await vi.advanceTimersByTimeAsync(1)
  expect(listeners.size).toBeLessThanOrEqual(1)
  await client.stop()
  await settleHashes()
  await vi.advanceTimersByTimeAsync(10_000)
  expect([listeners.size, vi.getTimerCount()]).toEqual([0, 0])
})
