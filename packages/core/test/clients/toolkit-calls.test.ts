import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ToolKitClient, ToolKitClientOptions } from '../../src/clients/toolkit-client.ts'
import type { FromToolkitFrame, ResultFrame, ToolkitCallFrame } from '../../src/protocol/frames.ts'
import { type ScriptedPeer, type ScriptedServer, toolkitServer } from './scripted-server.ts'
import { acceptTools, type ClientLog, makeClient, recordEvents } from './toolkit-support.ts'

let server: ScriptedServer<FromToolkitFrame>
let client: ToolKitClient
let log: ClientLog

beforeEach(() => {
  vi.useFakeTimers()
  server = toolkitServer()
})
afterEach(async () => {
  const stopping = client.stop()
  await vi.advanceTimersByTimeAsync(10_000)
  await stopping
  vi.useRealTimers()
})

type Handler = (args: Record<string, unknown>, context: { signal: AbortSignal }) => unknown

/** A started toolkit with the tools given. */
async function serving(
  tools: Record<string, Handler>,
  options: Partial<ToolKitClientOptions> = {},
): Promise<ScriptedPeer<FromToolkitFrame>> {
  client = makeClient(server, options)
  log = recordEvents(client)
  for (const [name, handler] of Object.entries(tools)) {
    const params = { type: 'object', properties: { count: { type: 'integer' } } } as const
    client.registerTool({ name, description: `Does ${name}`, params }, (args, context) => handler(args, context))
  }
  const starting = client.start()
  const peer = await server.welcome()
  await acceptTools(peer)
  await starting
  log.events.length = 0
  return peer
}

const call = (requestId: string, tool: string, more: Partial<ToolkitCallFrame> = {}): ToolkitCallFrame => ({
  type: 'call',
  requestId,
  tool,
  params: {},
  deadlineMs: 120_000,
  ...more,
})

/** The code of a failed result, or its value. */
const said = (frame: ResultFrame): unknown => (frame.ok ? frame.result : frame.error.code)

describe('a call', () => {
  it('is answered with what the handler returns', async () => {
    const peer = await serving({ double: ({ count }) => ({ count: Number(count) * 2, at: undefined }) })
    peer.send(call('c1', 'double', { params: { count: 21 } }))
    await expect(peer.next('result')).resolves.toEqual({
      type: 'result',
      requestId: 'c1',
      callId: undefined,
      ok: true,
      result: { count: 42 },
    })
    expect(log.events).toEqual(['call c1 double ok'])
  })

  it('gives the handler the token, the id and what the host passes on', async () => {
    const peer = await serving({}, { env: { region: 'eu' } })
    const seen = vi.fn()
    const auth = { provider: 'hubspot', type: 'OAuth2', with: 'access_token' }
    client.registerTool({ name: 'crm', description: 'Reads', auth }, (_args, { authToken, callId, env }) => {
      seen(authToken, callId, env)
    })
    await acceptTools(peer)
    peer.send(call('c1', 'crm', { authToken: 'user-token' }))
    expect(said(await peer.next('result'))).toBeNull()
    expect(seen).toHaveBeenCalledWith('user-token', 'c1', { region: 'eu' })
  })

  it('of an unknown tool is answered too, whatever its name', async () => {
    const peer = await serving({})
    for (const tool of ['nothing', 'constructor', '__proto__', '']) peer.send(call(`c-${tool}`, tool))
    for (const frame of await peer.take(4, 'result')) expect(said(frame)).toBe('tool_not_found')
    expect(log.events).toEqual([])
  })

  it('that fails tells the error, and the event its code', async () => {
    const peer = await serving({
      fail: () => {
        throw new Error('no such file')
      },
    })
    peer.send(call('c1', 'fail'))
    await expect(peer.next('result')).resolves.toMatchObject({
      ok: false,
      error: { code: 'tool_error', message: 'no such file' },
    })
    expect(log.events).toEqual(['call c1 fail tool_error'])
  })

  it('that fails tells nothing of the error where that is asked for', async () => {
    const peer = await serving({ fail: () => Promise.reject(new Error('secret path')) }, { exposeErrors: false })
    peer.send(call('c1', 'fail'))
    await expect(peer.next('result')).resolves.toMatchObject({ error: { message: 'The tool failed' } })
  })

  it('ends at its deadline, which reaches the handler', async () => {
    let aborted: unknown
    const peer = await serving({
      slow: (_args, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted = signal.reason
            reject(signal.reason)
          })
        }),
    })
    peer.send(call('c1', 'slow', { deadlineMs: 5_000 }))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(said(await peer.next('result'))).toBe('deadline_exceeded')
    expect(aborted).toMatchObject({ code: 'deadline_exceeded' })
  })

  it('is answered on its own connection in any order', async () => {
    const ends = new Map<number, (value: string) => void>()
    const peer = await serving({ wait: ({ count }) => new Promise((resolve) => ends.set(Number(count), resolve)) })
    for (const count of [1, 2, 3]) peer.send(call(`c${count}`, 'wait', { params: { count } }))
    await vi.waitFor(() => expect(ends.size).toBe(3))
    for (const count of [2, 3, 1]) ends.get(count)?.(`end of ${count}`)
    const frames = await peer.take(3, 'result')
    expect(frames.map(({ requestId }) => requestId)).toEqual(['c2', 'c3', 'c1'])
  })

  it('that cannot be read is answered when it has an id', async () => {
    const peer = await serving({})
    peer.raw.send('{"type":"call","request_id":"c1","tool":"first","params":[],"deadline_ms":1}')
    peer.raw.send('{"type":"call"}')
    const frame = await peer.next('result')
    expect(frame.requestId).toBe('c1')
    expect(said(frame)).toBe('invalid_request')
    peer.send(call('c2', 'first'))
    expect(said(await peer.next('result'))).toBe('one')
  })

  it('whose event has a listener that throws is answered all the same', async () => {
    const peer = await serving({})
    client.on('call', () => {
      throw new Error('a listener of the user')
    })
    for (const id of ['c1', 'c2']) {
      peer.send(call(id, 'first'))
      expect(said(await peer.next('result'))).toBe('one')
    }
  })

  it('runs the handler of now, without a registration when nothing else changed', async () => {
    const peer = await serving({})
    client.removeTool('first')
    client.registerTool({ name: 'first', description: 'The first tool' }, () => 'another one')
    await client.whenRegistered()
    peer.send(call('c1', 'first'))
    expect(said(await peer.next('result'))).toBe('another one')
  })
})

describe('a cancel', () => {
  it('aborts the signal of its call, which ends as cancelled', async () => {
    const reasons: unknown[] = []
    const peer = await serving({
      hang: (_args, { signal }) =>
        new Promise(() => signal.addEventListener('abort', () => reasons.push((signal.reason as Error).message))),
    })
    peer.send(call('c1', 'hang'))
    peer.send(call('c2', 'hang'))
    await vi.advanceTimersByTimeAsync(0)
    peer.send({ type: 'cancel', requestId: 'c1', reason: 'the user left' })
    const frame = await peer.next('result')
    expect(frame).toMatchObject({ requestId: 'c1', error: { code: 'cancelled' } })
    expect(reasons).toEqual([expect.stringContaining('the user left')])
  })

  it('of an unknown or finished call does nothing', async () => {
    const peer = await serving({})
    peer.send({ type: 'cancel', requestId: 'c0' })
    peer.send(call('c1', 'first'))
    expect(said(await peer.next('result'))).toBe('one')
    peer.send({ type: 'cancel', requestId: 'c1' })
    peer.send(call('c2', 'first'))
    expect(said(await peer.next('result'))).toBe('one')
  })
})

describe('maxConcurrency', () => {
  it('answers the calls above it with busy at once, and takes new ones when a slot is free', async () => {
    const ends: ((value: string) => void)[] = []
    const peer = await serving({ wait: () => new Promise((resolve) => ends.push(resolve)) }, { maxConcurrency: 2 })
    for (const id of ['c1', 'c2', 'c3']) peer.send(call(id, 'wait'))
    const refused = await peer.next('result')
    expect(refused).toMatchObject({ requestId: 'c3', error: { code: 'busy', retryable: true } })
    ends[0]?.('done')
    expect((await peer.next('result')).requestId).toBe('c1')
    peer.send(call('c4', 'first'))
    expect(said(await peer.next('result'))).toBe('one')
    expect(log.events).toEqual(['call c1 wait ok', 'call c4 first ok'])
  })

  it('counts an abandoned handler until it really ends', async () => {
    const ends: ((value: string) => void)[] = []
    const peer = await serving({ wait: () => new Promise((resolve) => ends.push(resolve)) }, { maxConcurrency: 1 })
    peer.send(call('c1', 'wait', { deadlineMs: 1_000 }))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(said(await peer.next('result'))).toBe('deadline_exceeded')
    peer.send(call('c2', 'first'))
    expect(said(await peer.next('result'))).toBe('busy')
    ends[0]?.('much too late')
    await vi.advanceTimersByTimeAsync(0)
    peer.send(call('c3', 'first'))
    expect(said(await peer.next('result'))).toBe('one')
    expect(peer.types.filter((type) => type === 'result')).toHaveLength(3)
  })

  it('does not count calls whose arguments never reached the handler', async () => {
    const peer = await serving({ double: ({ count }) => count }, { maxConcurrency: 2 })
    for (let index = 0; index < 10; index += 1) {
      peer.send(call(`c${index}`, 'double', { params: { count: 'many' } }))
      expect(said(await peer.next('result'))).toBe('invalid_params')
    }
    peer.send(call('good', 'double', { params: { count: 1 } }))
    expect(said(await peer.next('result'))).toBe(1)
  })

  it('does not count calls that failed, whichever way', async () => {
    const peer = await serving(
      {
        throws: () => {
          throw new Error('no')
        },
        rejects: () => Promise.reject(new Error('no')),
        big: () => 10n,
        async *yields() {
          yield 1
          throw new Error('no')
        },
      },
      { maxConcurrency: 1 },
    )
    for (const tool of ['throws', 'rejects', 'big', 'yields', 'throws', 'rejects', 'big', 'yields', 'nothing']) {
      peer.send(call(tool, tool))
      expect(said(await peer.next('result'))).not.toBe('busy')
    }
  })

  it('counts each run of a call that the server sends again over a new connection', async () => {
    const ends: ((value: string) => void)[] = []
    const signals: AbortSignal[] = []
    const first = await serving(
      {
        wait: (_args, { signal }) => {
          signals.push(signal)
          return new Promise((resolve) => ends.push(resolve))
        },
      },
      { maxConcurrency: 2 },
    )
    first.send(call('same', 'wait'))
    await vi.waitFor(() => expect(ends).toHaveLength(1))
    first.raw.terminate()
    await vi.waitFor(() => expect(server.memory.attempts).toBe(2))
    const second = await server.welcome()
    await acceptTools(second)
    second.send(call('same', 'wait'))
    await vi.waitFor(() => expect(ends).toHaveLength(2))
    second.send(call('other', 'first'))
    expect(said(await second.next('result'))).toBe('busy')
    ends[0]?.('for the connection that is gone')
    await vi.advanceTimersByTimeAsync(0)
    second.send({ type: 'cancel', requestId: 'same', reason: 'the second run' })
    expect(said(await second.next('result'))).toBe('cancelled')
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true])
  })
})
