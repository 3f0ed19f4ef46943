import { describe, expect, it, vi } from 'vitest'
import type { WebSocket } from 'ws'
import {
  LegacyBreak,
  LegacyRefusal,
  type LegacyTool,
  LegacyToolkit,
  type LegacyToolkitOptions,
} from '../../src/legacy/index.ts'
import { greeting, say, startLyingServer, toolRequest } from './support/lying-server.ts'

const echo: LegacyTool = { name: 'echo', params: ['value'], handler: ({ value }) => value ?? null }

function toolkitOf(options: Partial<LegacyToolkitOptions> & { baseUrl: string }): LegacyToolkit {
  return new LegacyToolkit({ apiKey: 'key', appName: 'app', tools: [echo], reconnect: false, ...options })
}

/** A server with one toolkit socket that a test speaks through. */
async function startSocketServer(): Promise<{
  server: Awaited<ReturnType<typeof startLyingServer>>
  socket: Promise<WebSocket>
  frames: unknown[]
  pongs: () => number
  pings: () => number
}> {
  const socket = Promise.withResolvers<WebSocket>()
  const frames: unknown[] = []
  let pongs = 0
  let pings = 0
  const server = await startLyingServer({
    socket(opened) {
      opened.on('message', (data) => frames.push(JSON.parse(data.toString())))
      opened.on('pong', () => {
        pongs += 1
      })
      opened.on('ping', () => {
        pings += 1
      })
      say(opened, greeting)
      socket.resolve(opened)
    },
  })
  return { server, socket: socket.promise, frames, pongs: () => pongs, pings: () => pings }
}

describe('the read loop', () => {
  it('runs one tool at a time and answers no ping meanwhile, while its own pings go on', async () => {
    const { server, socket, frames, pongs, pings } = await startSocketServer()
    await using _server = server
    const release = Promise.withResolvers<void>()
    const order: unknown[] = []
    const slow: LegacyTool = {
      ...echo,
      async handler({ value }) {
        order.push(value)
        await release.promise
        return value
      },
    }
    await using toolkit = toolkitOf({ baseUrl: server.baseUrl, tools: [slow], pingIntervalMs: 20 })
    await toolkit.connect()
    const peer = await socket
    say(peer, toolRequest('1', 'echo', { value: 'a' }))
    say(peer, toolRequest('2', 'echo', { value: 'b' }))
    peer.ping()
    await vi.waitFor(() => expect(order).toEqual(['a']))
    const before = pings()
    await vi.waitFor(() => expect(pings()).toBeGreaterThan(before + 3))
    expect({ order, frames, pongs: pongs() }).toEqual({ order: ['a'], frames: [], pongs: 0 })
    release.resolve()
    await vi.waitFor(() => expect(pongs()).toBe(1))
    await vi.waitFor(() => expect(frames).toHaveLength(2))
    expect(frames).toEqual([
      { type: 'tool_response', request_id: '1', result: 'a' },
      { type: 'tool_response', request_id: '2', result: 'b' },
    ])
  })

  it('answers pings while no tool runs', async () => {
    const { server, socket, pongs } = await startSocketServer()
    await using _server = server
    await using toolkit = toolkitOf({ baseUrl: server.baseUrl })
    await toolkit.connect()
    ;(await socket).ping()
    await vi.waitFor(() => expect(pongs()).toBe(1))
  })

  it('gives an unknown tool no answer, and what a tool throws as {"error"}', async () => {
    const { server, socket, frames } = await startSocketServer()
    await using _server = server
    const failing: LegacyTool = {
      name: 'failing',
      handler: () => {
        throw new TypeError('no')
      },
    }
    await using toolkit = toolkitOf({ baseUrl: server.baseUrl, tools: [failing] })
    await toolkit.connect()
    const peer = await socket
    say(peer, toolRequest('1', 'unknown'))
    say(peer, toolRequest('2', 'failing'))
    await vi.waitFor(() =>
      expect(frames).toEqual([{ type: 'tool_response', request_id: '2', result: { error: 'no' } }]),
    )
    expect(toolkit.requests.map(({ tool_name }) => tool_name)).toEqual(['unknown', 'failing'])
  })

  it.each([
    ['0.2.5', undefined, 'secret', 'secret'],
    ['0.1.1', undefined, 'secret', 'secret'],
    ['0.1.0', undefined, 'secret', null],
    ['0.1.0', ['auth_token'], 'secret', 'secret'],
    ['0.2.5', ['value'], 'secret', null],
    ['0.2.5', undefined, '', null],
    ['0.2.5', undefined, undefined, null],
  ] as const)('SDK %s with the signature %s passes the token %s as %s', async (version, declares, token, passed) => {
    const { server, socket, frames } = await startSocketServer()
    await using _server = server
    const tool = { ...echo, ...(declares ? { declares } : {}), handler: (_: unknown, given?: string) => given ?? null }
    await using toolkit = toolkitOf({ baseUrl: server.baseUrl, version, tools: [tool] })
    await toolkit.connect()
    say(await socket, toolRequest('1', 'echo', {}, token))
    await vi.waitFor(() => expect(frames).toEqual([{ type: 'tool_response', request_id: '1', result: passed }]))
  })
})

describe('a socket that a legacy toolkit cannot bear', () => {
  it.each([
    ['a greeting without payload.message', { message_type: 'atp_client_connected', payload: {} }, 'greeting'],
    ['a frame of protocol 2', { type: 'drain', deadline_ms: 1 }, 'what no legacy toolkit reads'],
    ['params that are null', toolRequest('1', 'echo', null), 'params that are no object'],
    ['a second greeting', greeting, 'greeted twice'],
  ])('is reported: %s', async (_name, frame, problem) => {
    const { server, socket } = await startSocketServer()
    await using _server = server
    const toolkit = toolkitOf({ baseUrl: server.baseUrl })
    await toolkit.connect()
    say(await socket, frame)
    let seen: string[] = []
    await vi.waitFor(() => {
      seen = toolkit.takeProblems()
      expect(seen).not.toEqual([])
    })
    expect(seen.join()).toContain(problem)
    await toolkit.stop()
  })

  it('makes its disposal throw', async () => {
    const { server, socket } = await startSocketServer()
    await using _server = server
    const toolkit = toolkitOf({ baseUrl: server.baseUrl })
    await toolkit.connect()
    const peer = await socket
    say(peer, { type: 'welcome' })
    say(peer, toolRequest('1', 'echo'))
    await vi.waitFor(() => expect(toolkit.requests).toHaveLength(1))
    await expect(toolkit[Symbol.asyncDispose]()).rejects.toBeInstanceOf(LegacyBreak)
  })
})

describe('connecting', () => {
  it('comes back at once, over and over, when it is refused', async () => {
    await using server = await startLyingServer({})
    await using toolkit = toolkitOf({ baseUrl: server.baseUrl, reconnect: true })
    const connecting = toolkit.connect().catch((error: unknown) => error)
    await vi.waitFor(() => expect(toolkit.attempts).toBeGreaterThan(50), { timeout: 10_000 })
    await toolkit.stop()
    expect(await connecting).toBeInstanceOf(LegacyRefusal)
    expect(toolkit).toMatchObject({ accepted: 0, greetings: 0 })
  })

  it('comes back at once when each socket is closed without a greeting', async () => {
    await using server = await startLyingServer({ socket: (socket) => socket.close() })
    await using toolkit = toolkitOf({ baseUrl: server.baseUrl, reconnect: true })
    const connecting = toolkit.connect().catch((error: unknown) => error)
    await vi.waitFor(() => expect(toolkit.accepted).toBeGreaterThan(20), { timeout: 10_000 })
    await toolkit.stop()
    expect(await connecting).toBeInstanceOf(LegacyRefusal)
  })

  it.each([
    ['0.1.0', '/ws/v1/atp/key/'],
    ['0.1.1', '/ws/v1/atp/key/'],
    ['0.1.2', '/ws/v1/atp/toolkit-client/key/'],
    ['0.2.5', '/ws/v1/atp/toolkit-client/key/'],
  ] as const)('SDK %s goes to %s', async (version, path) => {
    await using server = await startLyingServer({})
    await using toolkit = toolkitOf({ baseUrl: `${server.baseUrl}/`, version })
    await expect(toolkit.connect()).rejects.toBeInstanceOf(LegacyRefusal)
    expect(server.seen).toEqual([`UPGRADE ${path}`])
  })
})
