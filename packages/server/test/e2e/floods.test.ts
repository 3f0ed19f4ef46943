import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { LLMClient, ToolKitClient } from '@atp/core'
import { expect, it } from 'vitest'
import { type MeasuredServer, startMeasuredServer } from '../support/measured-server.ts'

/* Peers in thousands that connect and say nothing, little or nonsense; beside them a good peer that is served. */

const handshake =
  'GET /ws/v2/llm HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

/** One connection that does not play along. */
interface Flooder {
  socket: Socket
  received: () => string
  /** Resolves with how long the server let it be, in milliseconds. */
  gone: Promise<number>
}

async function connectTo({ url }: MeasuredServer): Promise<Flooder> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('error', () => {})
  let received = ''
  socket.on('data', (bytes) => {
    received += bytes.toString('latin1')
  })
  const startedAt = performance.now()
  const gone = once(socket, 'close').then(() => performance.now() - startedAt)
  await once(socket, 'connect')
  return { socket, received: () => received, gone }
}

/** Connects so many, not all at once: the system keeps few waiting. */
async function connectMany(server: MeasuredServer, count: number): Promise<Flooder[]> {
  const flooders: Flooder[] = []
  while (flooders.length < count) {
    flooders.push(...(await Promise.all(Array.from({ length: 50 }, () => connectTo(server)))))
  }
  return flooders
}

/** Calls a tool again and again until `over` resolves. Returns how many calls were answered, and fails with the first that was not. */
async function callUntil(server: MeasuredServer, over: Promise<unknown>): Promise<number> {
  const { url: baseUrl, keys } = server
  const toolkit = new ToolKitClient({ baseUrl, apiKey: keys.toolkitKey, appName: 'good' })
  toolkit.registerTool({ name: 'one', description: 'One' }, () => 1)
  const llm = new LLMClient({ baseUrl, apiKey: keys.llmKey })
  let ended = false
  void over.finally(() => {
    ended = true
  })
  let served = 0
  try {
    await toolkit.start()
    while (!ended) {
      expect(await llm.call({ toolkitId: 'good', tool: 'one' })).toBe(1)
      served += 1
      await Promise.race([over, wait(20)])
    }
  } finally {
    await llm.close()
    await toolkit.stop()
  }
  return served
}

it.concurrent('lets 3,000 sockets go within 20 s that are mute, slow or never say hello, and serves a good peer', async () => {
  // Enough room for all of them at once, so that it is time that ends them and not their number.
  const room = { unauthenticatedSockets: 2_000, unauthenticatedSocketsPerAddress: 2_000 }
  await using server = await startMeasuredServer({
    ...room,
    keylessConnectsPerAddressPer10s: 10_000,
    connectsPerSecond: 10_000,
  })
  const mute = await connectMany(server, 1_000)
  const slow = await connectMany(server, 1_000)
  for (const { socket } of slow) socket.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ')
  const drip = setInterval(() => {
    for (const { socket } of slow) if (!socket.destroyed) socket.write('x')
  }, 1_000)
  const silent = await connectMany(server, 1_000)
  for (const { socket } of silent) socket.write(`${handshake}\r\n`)
  const ages = Promise.all([...mute, ...slow, ...silent].map(({ gone }) => gone))
  const served = await callUntil(server, ages).finally(() => clearInterval(drip))
  expect(silent.filter(({ received }) => received().startsWith('HTTP/1.1 101'))).toHaveLength(1_000)
  expect(Math.max(...(await ages))).toBeLessThan(20_000)
  expect(served).toBeGreaterThan(10)
}, 60_000)

it.concurrent('keeps few sockets of one address that never say hello, however many try, and serves good keys', async () => {
  await using server = await startMeasuredServer()
  const flooders = await connectMany(server, 500)
  for (const { socket } of flooders) socket.write(`${handshake}\r\n`)
  const answered = Promise.all(
    flooders.map(async ({ socket, received }) => {
      while (received() === '') await once(socket, 'data')
    }),
  )
  expect(await callUntil(server, answered)).toBeGreaterThan(0)
  const answers = flooders.map(({ received }) => received().slice(9, 12))
  expect(answers.filter((status) => status === '101')).toHaveLength(64)
  expect(answers.filter((status) => status === '429')).toHaveLength(436)
  for (const { socket } of flooders) socket.destroy()
}, 60_000)

it.concurrent('survives peers with a wrong key that connect again as soon as they are refused', async () => {
  await using server = await startMeasuredServer()
  let over = false
  let tries = 0
  const knock = async (): Promise<void> => {
    while (!over) {
      const { socket, gone } = await connectTo(server)
      socket.write(`${handshake}Authorization: Bearer wrong\r\n\r\n`)
      await gone
      tries += 1
    }
  }
  const stop = wait(3_000).then(() => {
    over = true
  })
  const knocking = Promise.all(Array.from({ length: 50 }, knock))
  const served = await callUntil(server, stop)
  await knocking
  expect(served).toBeGreaterThan(0)
  // One try in a second each, where they would make a thousand.
  expect(tries).toBeLessThanOrEqual(50 * 5)
}, 60_000)
