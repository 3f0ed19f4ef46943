import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ToolKitClient, type ToolKitClientOptions } from '../../src/clients/toolkit-client.ts'
import { AtpError } from '../../src/errors/atp-error.ts'
import type { FromToolkitFrame } from '../../src/protocol/frames.ts'
import { type ScriptedPeer, type ScriptedServer, toolkitServer } from './scripted-server.ts'
import { acceptTools, type ClientLog, makeClient, recordEvents } from './toolkit-support.ts'

let server: ScriptedServer<FromToolkitFrame>
let client: ToolKitClient
let log: ClientLog

beforeEach(() => {
  vi.useFakeTimers()
  server = toolkitServer()
  client = makeClient(server)
  log = recordEvents(client)
})
afterEach(async () => {
  await client.stop()
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

async function started(): Promise<ScriptedPeer<FromToolkitFrame>> {
  const starting = client.start()
  const peer = await server.welcome()
  await acceptTools(peer)
  await starting
  return peer
}

describe('making a ToolKitClient', () => {
  const make = (options: Partial<ToolKitClientOptions>) => () =>
    new ToolKitClient({ apiKey: 'atp_toolkit_key', appName: 'demo', ...options })

  it('needs nothing but a key and a name', () => {
    expect(make({})().state).toBe('idle')
  })

  it('refuses a protocol that there is not', () => {
    expect(make({ protocol: 'tcp' as 'ws' })).toThrow(/protocol must be "ws" or "http"/)
  })

  it.each(['', 'two words', 'line\nbreak', undefined as unknown as string])('refuses the key %j', (apiKey) => {
    expect(make({ apiKey })).toThrow(expect.objectContaining({ code: 'invalid_config' }))
  })

  it.each([0, -1, 1.5, Number.NaN, 65_537])('refuses a maxConcurrency of %d, which no server would take', (value) => {
    expect(make({ maxConcurrency: value })).toThrow(expect.objectContaining({ code: 'invalid_config' }))
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuses a drainTimeoutMs and an idleTimeoutMs of %d',
    (value) => {
      expect(make({ drainTimeoutMs: value })).toThrow(expect.objectContaining({ code: 'invalid_config' }))
      expect(make({ idleTimeoutMs: value })).toThrow(expect.objectContaining({ code: 'invalid_config' }))
    },
  )

  it('refuses a name and an address that are none', () => {
    expect(make({ appName: '' })).toThrow(expect.objectContaining({ code: 'invalid_name' }))
    expect(make({ baseUrl: 'here' })).toThrow(expect.objectContaining({ code: 'invalid_config' }))
  })
})

describe('starting a ToolKitClient', () => {
  it('resolves once the tools are registered, not before', async () => {
    const done = vi.fn()
    const starting = client.start().then(done)
    const peer = await server.welcome()
    const frame = await peer.next('register')
    expect(client.state).toBe('connecting')
    expect(done).not.toHaveBeenCalled()
    await acceptTools(peer, frame)
    await starting
    expect(client.state).toBe('connected')
    expect(log.events).toEqual(['connected t1'])
  })

  it('connects to the toolkit address of its server with its name, its limit and its key', async () => {
    const urls: string[] = []
    client = makeClient(server, {
      baseUrl: 'https://atp.example.com/proxy/',
      maxConcurrency: 512,
      connect: (options) => {
        urls.push(`${options.url} ${options.apiKey}`)
        return server.memory.connect(options)
      },
    })
    const peer = await started()
    expect(urls).toEqual(['wss://atp.example.com/proxy/ws/v2/toolkit atp_toolkit_key'])
    expect(peer.hello).toMatchObject({ appName: 'demo', maxConcurrency: 512, instanceId: expect.any(String) })
  })

  it('is one start however often it is asked for', async () => {
    const starting = Promise.all([client.start(), client.start()])
    const peer = await server.welcome()
    await acceptTools(peer)
    await starting
    await client.start()
    expect(server.memory.attempts).toBe(1)
  })

  it.each(['unauthorized', 'forbidden', 'toolkit_name_conflict'] as const)(
    'rejects with %s when the server refuses it, and tries no more',
    async (code) => {
      server.memory.refuse = () => new AtpError(code, 'as the server says')
      await expect(client.start()).rejects.toMatchObject({ code, message: 'as the server says' })
      expect(client.state).toBe('refused')
      await vi.advanceTimersByTimeAsync(120_000)
      expect(server.memory.attempts).toBe(1)
      expect(log.events).toEqual([])
    },
  )

  it('waits for a server that is not there yet, for ever', async () => {
    server.memory.refuse = (attempt) => (attempt < 20 ? new AtpError('connection_failed', 'nobody') : undefined)
    const starting = client.start()
    while (server.memory.attempts < 21) await vi.advanceTimersByTimeAsync(1_000)
    await acceptTools(await server.welcome())
    await starting
    expect(server.memory.attempts).toBe(21)
    expect(log.events.filter((event) => event === 'reconnecting connection_failed')).toHaveLength(20)
    expect(log.events.at(-1)).toBe('connected t1')
  })

  it('rejects with client_stopped when it is stopped meanwhile', async () => {
    const failed = expect(client.start()).rejects.toMatchObject({ code: 'client_stopped' })
    const peer = await server.welcome()
    await peer.next('register')
    await client.stop()
    await failed
    await peer.closed
    expect(client.state).toBe('stopped')
  })

  it('is undone by a stop in the same turn', async () => {
    const failed = expect(client.start()).rejects.toMatchObject({ code: 'client_stopped' })
    await client.stop()
    await failed
    await vi.advanceTimersByTimeAsync(60_000)
    expect(client.state).toBe('stopped')
    expect(server.memory.accepted.all).toHaveLength(0)
  })

  it('can be done again after a stop', async () => {
    const first = await started()
    await client.stop()
    await first.closed
    const second = await started()
    expect(client.state).toBe('connected')
    expect(second.types).toEqual(['hello', 'register'])
    expect(log.events).toEqual(['connected t1', 'disconnected', 'connected t1'])
  })
})

describe('a ToolKitClient that loses its connection', () => {
  it('connects and registers again, and tells of each step', async () => {
    const first = await started()
    first.raw.close(1012, 'the server restarts')
    await first.closed
    await vi.advanceTimersByTimeAsync(500)
    const second = await server.welcome()
    expect(client.state).toBe('reconnecting')
    await acceptTools(second)
    await vi.waitFor(() => expect(client.state).toBe('connected'))
    expect(log.events).toEqual([
      'connected t1',
      'disconnected connection_closed',
      'reconnecting connection_closed',
      'connected t1',
    ])
    expect(second.hello?.instanceId).toBe(first.hello?.instanceId)
  })

  it('tells when its key is refused meanwhile, and stops trying', async () => {
    const first = await started()
    server.memory.refuse = () => new AtpError('unauthorized', 'revoked')
    first.raw.terminate()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(client.state).toBe('refused')
    expect(log.events).toEqual([
      'connected t1',
      'disconnected connection_closed',
      'reconnecting connection_closed',
      'disconnected unauthorized',
    ])
    expect(server.memory.attempts).toBe(2)
  })

  it('tries again when the connection is lost while it registers', async () => {
    const starting = client.start()
    const first = await server.welcome()
    await first.next('register')
    first.raw.terminate()
    await vi.advanceTimersByTimeAsync(500)
    const second = await server.welcome()
    await acceptTools(second)
    await starting
    expect(log.events).toEqual(['reconnecting connection_closed', 'connected t1'])
  })

  it('does not wait for an answer on a connection that ended in the turn that opened it', async () => {
    let connects = 0
    client = makeClient(server, {
      connect: async (options) => {
        const connected = await server.memory.connect(options)
        connects += 1
        if (connects > 1) return connected
        const { onMessage, onClose } = options.handlers
        const handlers = options.handlers
        handlers.onMessage = (text) => {
          onMessage.call(handlers, text)
          // One microtask later the session is open, and nobody has it yet.
          queueMicrotask(() => onClose.call(handlers, 1006, ''))
        }
        return connected
      },
    })
    const starting = client.start()
    await server.welcome()
    await vi.advanceTimersByTimeAsync(500)
    const second = await server.welcome()
    await acceptTools(second)
    await starting
    expect(client.state).toBe('connected')
  })

  it('survives listeners that throw', async () => {
    const errors: string[] = []
    client = makeClient(server, {
      logger: { debug() {}, info() {}, warn() {}, error: (event) => errors.push(event) },
    })
    for (const event of ['connected', 'disconnected', 'reconnecting'] as const) {
      client.on(event, () => {
        throw new Error('a listener of the user')
      })
    }
    const first = await started()
    first.raw.terminate()
    await vi.advanceTimersByTimeAsync(500)
    await acceptTools(await server.welcome())
    await vi.waitFor(() => expect(client.state).toBe('connected'))
    expect(errors).toEqual(['listener.failed', 'listener.failed', 'listener.failed', 'listener.failed'])
  })

  it('can be stopped by a listener that has had enough', async () => {
    server.memory.refuse = () => new AtpError('connection_failed', 'nobody')
    let tries = 0
    client.on('reconnecting', () => {
      tries += 1
      if (tries === 3) void client.stop()
    })
    const failed = expect(client.start()).rejects.toMatchObject({ code: 'client_stopped' })
    await vi.advanceTimersByTimeAsync(120_000)
    await failed
    expect(server.memory.attempts).toBe(3)
    expect(client.state).toBe('stopped')
  })
})
