import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ToolKitClient } from '../../src/clients/toolkit-client.ts'
import type { FromToolkitFrame, ToolkitCallFrame } from '../../src/protocol/frames.ts'
import type { ToolContext } from '../../src/tool/tool.ts'
import type { ConnectOptions } from '../../src/transport/transport.ts'
import { type ScriptedPeer, type ScriptedServer, toolkitServer } from './scripted-server.ts'
import { acceptTools, makeClient, settleHashes } from './toolkit-support.ts'

type Peer = ScriptedPeer<FromToolkitFrame>

let server: ScriptedServer<FromToolkitFrame>
let client: ToolKitClient
/** What waits for the network, as the client sees it. */
let buffered: number

beforeEach(() => {
  vi.useFakeTimers()
  server = toolkitServer()
  buffered = 0
})
afterEach(async () => {
  const stopping = client.stop()
  await vi.advanceTimersByTimeAsync(10_000)
  await stopping
  await settleHashes()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

/** A started toolkit whose tool `run` does what the test says. */
async function serving(run: (context: ToolContext) => unknown, capabilities: string[] = ['results']): Promise<Peer> {
  client = makeClient(server, {
    connect: async (options: ConnectOptions) => {
      const { transport, keySent } = await server.memory.connect(options)
      const slow = Object.create(transport, { bufferedAmount: { get: () => buffered } })
      for (const method of ['send', 'close', 'terminate'] as const) {
        slow[method] = (...args: never[]) => (transport[method] as (...all: never[]) => void)(...args)
      }
      return { transport: slow, keySent }
    },
  })
  client.registerTool({ name: 'run', description: 'Runs' }, (_args, context) => run(context))
  const starting = client.start()
  const peer = await server.welcome({ capabilities })
  await acceptTools(peer)
  await starting
  return peer
}

const call = (more: Partial<ToolkitCallFrame> = {}): ToolkitCallFrame => {
  return { type: 'call', requestId: 'c1', tool: 'run', params: {}, deadlineMs: 60_000, stream: true, ...more }
}

/** Yields the numbers from 0. */
async function* numbers(count: number, onYield: (value: number) => void = () => {}): AsyncGenerator<number> {
  for (let value = 0; value < count; value += 1) {
    onYield(value)
    yield value
  }
}

describe('a call whose caller wants a stream', () => {
  it('sends chunks counted from 0, then the result', async () => {
    const peer = await serving(() => numbers(3))
    peer.send(call())
    const chunks = await peer.take(3, 'chunk')
    expect(chunks.map(({ requestId, sequence, data }) => [requestId, sequence, data])).toEqual([
      ['c1', 0, 0],
      ['c1', 1, 1],
      ['c1', 2, 2],
    ])
    await expect(peer.next('result')).resolves.toMatchObject({ requestId: 'c1', ok: true, result: [0, 1, 2] })
  })

  it('sends progress as the tool tells it, falsy values too', async () => {
    const peer = await serving(({ progress }) => {
      for (const value of [0, null, '', { done: 1, of: 2 }]) progress(value)
      return 'done'
    })
    peer.send(call())
    const frames = await peer.take(4, 'progress')
    expect(frames.map(({ progress }) => progress)).toEqual([0, null, '', { done: 1, of: 2 }])
    await expect(peer.next('result')).resolves.toMatchObject({ result: 'done' })
  })

  it('leaves out progress that is no JSON or more than 64 KiB of it', async () => {
    const circular: { self?: unknown } = {}
    circular.self = circular
    const odd = [undefined, () => {}, Symbol('odd'), 10n, circular, 'x'.repeat(65_535), 'ä'.repeat(40_000)]
    const peer = await serving(({ progress }) => {
      for (const value of [...odd, 'x'.repeat(65_534)]) progress(value)
      return 'done'
    })
    peer.send(call())
    await expect(peer.next('progress')).resolves.toMatchObject({ progress: 'x'.repeat(65_534) })
    await expect(peer.next('result')).resolves.toMatchObject({ result: 'done' })
  })

  it('sends both under the lease of its call', async () => {
    const peer = await serving(async function* ({ progress }) {
      progress('half')
      yield 'a'
    })
    peer.send(call({ leaseId: 'l1', leaseMs: 30_000 }))
    await peer.next('ack')
    peer.send({ type: 'acked', requestId: 'c1', leaseId: 'l1' })
    for (const type of ['progress', 'chunk', 'result'] as const) {
      await expect(peer.next(type)).resolves.toMatchObject({ requestId: 'c1', leaseId: 'l1' })
    }
  })

  it('makes the tool wait while more than 1 MiB waits for the network', async () => {
    const yielded: number[] = []
    const peer = await serving(() => numbers(4, (value) => yielded.push(value)))
    buffered = 1_048_577
    peer.send(call())
    await peer.next('chunk')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(yielded).toEqual([0])
    buffered = 1_048_576
    await vi.advanceTimersByTimeAsync(100)
    await peer.take(3, 'chunk')
    await expect(peer.next('result')).resolves.toMatchObject({ result: [0, 1, 2, 3] })
  })

  it('leaves out progress meanwhile', async () => {
    const peer = await serving(({ progress }) => {
      buffered = 2_000_000
      progress('lost')
      buffered = 0
      progress('seen')
      return 'done'
    })
    peer.send(call())
    await expect(peer.next('progress')).resolves.toMatchObject({ progress: 'seen' })
    await peer.next('result')
  })

  it('does not keep a cancelled tool waiting for the network', async () => {
    const peer = await serving(() => numbers(4))
    buffered = 2_000_000
    await vi.advanceTimersByTimeAsync(1_000)
    const timers = vi.getTimerCount()
    peer.send(call())
    await peer.next('chunk')
    peer.send({ type: 'cancel', requestId: 'c1' })
    await expect(peer.next('result')).resolves.toMatchObject({ error: { code: 'cancelled' } })
    expect(vi.getTimerCount()).toBe(timers)
  })

  it('goes on over the next connection, with the chunks again that the lost one may have swallowed', async () => {
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const first = await serving(async function* () {
      yield 'a'
      await gates[0]?.promise
      yield 'b'
      await gates[1]?.promise
      yield 'c'
    })
    first.send(call())
    await first.next('chunk')
    first.raw.terminate()
    await vi.waitFor(() => expect(client.state).toBe('reconnecting'))
    gates[0]?.resolve()
    await vi.advanceTimersByTimeAsync(250)
    const second = await server.welcome({ capabilities: ['results'] })
    await expect(second.next('running')).resolves.toMatchObject({ requestIds: ['c1'] })
    await acceptTools(second)
    await vi.advanceTimersByTimeAsync(10)
    await expect(second.next('chunk')).resolves.toMatchObject({ sequence: 0, data: 'a' })
    await expect(second.next('chunk')).resolves.toMatchObject({ sequence: 1, data: 'b' })
    gates[1]?.resolve()
    await expect(second.next('chunk')).resolves.toMatchObject({ sequence: 2, data: 'c' })
    await expect(second.next('result')).resolves.toMatchObject({ result: ['a', 'b', 'c'] })
  })

  /** Loses a connection and gives the next one. */
  async function reconnected(peer: Peer): Promise<Peer> {
    await vi.advanceTimersByTimeAsync(0)
    peer.raw.terminate()
    await vi.advanceTimersByTimeAsync(500)
    const next = await server.welcome({ capabilities: ['results'] })
    await next.next('running')
    return next
  }

  it('sends its last chunks before the result that is sent again, whenever the connection was lost', async () => {
    const gate = Promise.withResolvers<void>()
    const first = await serving(async function* () {
      yield* ['a', 'b']
      await gate.promise
    })
    first.send(call())
    const second = await reconnected(first)
    await acceptTools(second)
    gate.resolve()
    const again = await second.take(2, 'chunk')
    expect(again.map(({ sequence, data }) => [sequence, data])).toEqual([
      [0, 'a'],
      [1, 'b'],
    ])
    await second.next('result')
    const third = await reconnected(second)
    expect(await third.take(2, 'chunk')).toEqual(again)
    await expect(third.next('result')).resolves.toMatchObject({ result: ['a', 'b'] })
    await acceptTools(third)
  })

  it.each([
    ['256 chunks', 300, 1, 256],
    ['256 KiB', 6, 65_000, 4],
  ])('sends %s again at most, the newest ones', async (_what, count, length, most) => {
    const gate = Promise.withResolvers<void>()
    const first = await serving(async function* () {
      for (let index = 0; index < count; index += 1) yield 'x'.repeat(length)
      await gate.promise
    })
    first.send(call())
    await first.take(count, 'chunk')
    const second = await reconnected(first)
    await acceptTools(second)
    gate.resolve()
    const again = await second.take(most, 'chunk')
    expect(again.map(({ sequence }) => sequence)).toEqual(Array.from({ length: most }, (_, at) => count - most + at))
    await second.next('result')
  })

  it('does not wait for a connection to a server that keeps no calls', async () => {
    const gate = Promise.withResolvers<void>()
    const ended = vi.fn()
    const peer = await serving(async function* () {
      yield 'a'
      await gate.promise
      yield 'b'
      ended()
    }, [])
    peer.send(call())
    await peer.next('chunk')
    peer.raw.terminate()
    await vi.waitFor(() => expect(client.state).toBe('reconnecting'))
    gate.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(ended).toHaveBeenCalled()
  })
})

describe('a call whose caller wants no stream', () => {
  it('sends neither progress nor chunks', async () => {
    const peer = await serving(async function* ({ progress }) {
      progress('half')
      yield 'a'
    })
    for (const stream of [undefined, false]) {
      peer.send(call({ stream }))
      await expect(peer.next('result')).resolves.toMatchObject({ result: ['a'] })
    }
    expect(peer.types).not.toContain('chunk')
  })
})
