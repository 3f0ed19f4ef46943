import type { AtpError, ToolContext } from '@atp/core'
import { describe, expect, it, vi } from 'vitest'
import { connectRawPeer, wireTool } from '../support/raw-peer.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

type Calls = { calls: Record<string, unknown>[] }

async function callLog(server: TestServer, query = ''): Promise<Record<string, unknown>[]> {
  const answer = await fetch(`${server.url}/api/v2/calls${query}`, {
    headers: { authorization: `Bearer ${server.keys.adminKey}` },
  })
  return ((await answer.json()) as Calls).calls
}

/** A toolkit whose tool tells when it runs and ends when the test says so. */
async function controlledToolkit(server: TestServer, appName: string) {
  const toolkit = await server.toolkit({ appName })
  const started = Promise.withResolvers<ToolContext>()
  const finish = Promise.withResolvers<unknown>()
  toolkit.registerTool({ name: 'wait', description: 'Waits' }, (_args, context) => {
    started.resolve(context)
    return finish.promise
  })
  await toolkit.start()
  return { toolkit, started: started.promise, finish }
}

describe('cancelling', () => {
  it('by the caller’s signal reaches the tool’s signal, and the log says cancelled', async () => {
    await using server = await startTestServer()
    const { started } = await controlledToolkit(server, 'slow')
    const controller = new AbortController()
    const call = server.llm().call({ toolkitId: 'slow', tool: 'wait', signal: controller.signal })
    const rejected = expect(call).rejects.toMatchObject({ code: 'cancelled' })
    const { signal } = await started
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
    controller.abort()
    await rejected
    await aborted
    await expect(callLog(server)).resolves.toMatchObject([{ status: 'cancelled', error_code: 'cancelled' }])
  })

  it('happens when the caller’s socket is gone', async () => {
    await using server = await startTestServer()
    const { started } = await controlledToolkit(server, 'slow')
    const peer = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', key: server.keys.llmKey })
    peer.send({ type: 'call', request_id: 'c', toolkit_id: 'slow', tool: 'wait', params: {} })
    const { signal } = await started
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
    await peer[Symbol.asyncDispose]()
    await aborted
  })

  it('happens when an HTTP caller hangs up', async () => {
    await using server = await startTestServer()
    const { started } = await controlledToolkit(server, 'slow')
    const controller = new AbortController()
    const llm = server.llm({ protocol: 'http' })
    const call = llm
      .call({ toolkitId: 'slow', tool: 'wait', signal: controller.signal })
      .catch((error: unknown) => error)
    const { signal } = await started
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
    controller.abort()
    await expect(call).resolves.toMatchObject({ code: 'cancelled' })
    await aborted
  })

  it('of an unknown or finished request changes nothing', async () => {
    await using server = await startTestServer()
    const toolkit = await server.toolkit({ appName: 'quick' })
    toolkit.registerTool({ name: 'one', description: 'One' }, () => 1)
    await toolkit.start()
    await using peer = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', key: server.keys.llmKey })
    const call = { type: 'call', toolkit_id: 'quick', tool: 'one', params: {} }
    peer.send({ ...call, request_id: 'a' })
    await peer.next((frame) => frame.request_id === 'a')
    peer.send({ type: 'cancel', request_id: 'a' })
    peer.send({ type: 'cancel', request_id: 'never heard of' })
    peer.send({ ...call, request_id: 'b' })
    await peer.next((frame) => frame.request_id === 'b')
    expect(peer.frames.map(({ type }) => type)).toEqual(['welcome', 'result', 'result'])
  })
})

describe('a deadline', () => {
  it('of the caller ends the call and tells the toolkit', async () => {
    await using server = await startTestServer()
    const { started } = await controlledToolkit(server, 'slow')
    const call = server.llm().call({ toolkitId: 'slow', tool: 'wait', timeoutMs: 100 })
    const rejected = expect(call).rejects.toMatchObject({ code: 'deadline_exceeded', retryable: true })
    const { signal } = await started
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
    await rejected
    await aborted
    await expect(callLog(server, '?status=timed_out')).resolves.toHaveLength(1)
  })

  it('is kept by the server for a toolkit that never answers, and its late answer is dropped', async () => {
    await using server = await startTestServer()
    const { key } = await server.server.createKey({ kind: 'toolkit', name: 'mute' })
    await using toolkit = await connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key })
    toolkit.send({ type: 'register', request_id: 'r', toolkit_hash: 'h', tools: [wireTool('mute')] })
    await toolkit.next((frame) => frame.type === 'registered')
    const llm = server.llm()
    await expect(llm.call({ toolkitId: 'mute', tool: 'mute', timeoutMs: 50 })).rejects.toMatchObject({
      code: 'deadline_exceeded',
    })
    const { request_id } = await toolkit.next((frame) => frame.type === 'cancel')
    toolkit.send({ type: 'result', request_id, ok: true, result: 'too late' })
    toolkit.frames.length = 0
    const next = llm.call({ toolkitId: 'mute', tool: 'mute' })
    const call = await toolkit.next((frame) => frame.type === 'call')
    toolkit.send({ type: 'result', request_id: call.request_id, ok: true, result: 'in time' })
    await expect(next).resolves.toBe('in time')
    await expect(callLog(server)).resolves.toMatchObject([{ status: 'succeeded' }, { status: 'timed_out' }])
  })
})

describe('several processes of one toolkit', () => {
  it('share the calls: the least loaded one gets the next', async () => {
    await using server = await startTestServer()
    const { key } = await server.server.createKey({ kind: 'toolkit', name: 'pool' })
    const connect = () => connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key })
    await using first = await connect()
    await using second = await connect()
    for (const peer of [first, second]) {
      peer.send({ type: 'register', request_id: 'r', toolkit_hash: 'h', tools: [wireTool('work')] })
      await peer.next((frame) => frame.type === 'registered')
    }
    await using llm = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', key: server.keys.llmKey })
    const calls = (peer: typeof first) => peer.frames.filter(({ type }) => type === 'call')
    for (let i = 0; i < 10; i += 1) {
      llm.send({ type: 'call', request_id: `c${i}`, toolkit_id: 'pool', tool: 'work', params: {} })
    }
    await vi.waitFor(() => expect(calls(first).length + calls(second).length).toBe(10))
    expect(calls(first)).toHaveLength(5)
    for (const { request_id } of calls(second)) second.send({ type: 'result', request_id, ok: true, result: null })
    await vi.waitFor(() => expect(llm.frames.filter(({ type }) => type === 'result')).toHaveLength(5))
    for (let i = 10; i < 15; i += 1) {
      llm.send({ type: 'call', request_id: `c${i}`, toolkit_id: 'pool', tool: 'work', params: {} })
    }
    await vi.waitFor(() => expect(calls(second)).toHaveLength(10))
    expect(calls(first)).toHaveLength(5)
  })

  it('get only tools that they registered themselves', async () => {
    await using server = await startTestServer()
    const { key } = await server.server.createKey({ kind: 'toolkit', name: 'mixed' })
    const old = await server.toolkit({ appName: 'mixed', apiKey: key })
    old.registerTool({ name: 'both', description: 'Both' }, () => 'old')
    old.registerTool({ name: 'only_old', description: 'Old' }, () => 'old')
    const fresh = await server.toolkit({ appName: 'mixed', apiKey: key })
    fresh.registerTool({ name: 'both', description: 'Both' }, () => 'fresh')
    fresh.registerTool({ name: 'only_fresh', description: 'Fresh' }, () => 'fresh')
    await old.start()
    await fresh.start()
    const llm = server.llm()
    for (let i = 0; i < 5; i += 1) {
      await expect(llm.call({ toolkitId: 'mixed', tool: 'only_old' })).resolves.toBe('old')
      await expect(llm.call({ toolkitId: 'mixed', tool: 'only_fresh' })).resolves.toBe('fresh')
    }
  })

  it('keep a tool as long as one of them serves it, and lose it some time after the last one is gone', async () => {
    await using server = await startTestServer({ limits: { staleToolMs: 20 } })
    const { key } = await server.server.createKey({ kind: 'toolkit', name: 'rolling' })
    const old = await server.toolkit({ appName: 'rolling', apiKey: key })
    old.registerTool({ name: 'leaving', description: 'Leaves with the old version' }, () => 'still here')
    await old.start()
    const fresh = await server.toolkit({ appName: 'rolling', apiKey: key })
    fresh.registerTool({ name: 'arriving', description: 'Comes with the new version' }, () => 'here')
    await fresh.start()
    const llm = server.llm()
    const tools = async () => (await llm.getToolkitContext({ toolkitId: 'rolling' })).tools.map(({ name }) => name)
    await expect(llm.call({ toolkitId: 'rolling', tool: 'leaving' })).resolves.toBe('still here')
    await expect(tools()).resolves.toEqual(['leaving', 'arriving'])
    await old.stop()
    await vi.waitFor(async () => expect(await tools()).toEqual(['arriving']))
    await fresh.stop()
    await expect(llm.call({ toolkitId: 'rolling', tool: 'arriving' })).rejects.toMatchObject({
      code: 'toolkit_offline',
    })
    await expect(tools()).resolves.toEqual(['arriving'])
  })
})

describe('registration after the start', () => {
  it('makes new tools callable and removed ones unknown, without a reconnect', async () => {
    await using server = await startTestServer()
    const toolkit = await server.toolkit({ appName: 'living' })
    toolkit.registerTool({ name: 'first', description: 'First' }, () => 1)
    await toolkit.start()
    const llm = server.llm()
    toolkit.registerTool({ name: 'second', description: 'Second' }, () => 2)
    await toolkit.whenRegistered()
    await expect(llm.call({ toolkitId: 'living', tool: 'second' })).resolves.toBe(2)
    toolkit.removeTool('first')
    await toolkit.whenRegistered()
    await expect(llm.call({ toolkitId: 'living', tool: 'first' })).rejects.toMatchObject({ code: 'tool_not_found' })
    await expect(llm.call({ toolkitId: 'living', tool: 'second' })).resolves.toBe(2)
  })

  it('by hash alone claims only the tools of that hash, not those of another version', async () => {
    await using server = await startTestServer()
    const { key } = await server.server.createKey({ kind: 'toolkit', name: 'two versions' })
    const connect = () => connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key })
    await using old = await connect()
    old.send({ type: 'register', request_id: 'r', toolkit_hash: 'h1', tools: [wireTool('both'), wireTool('old')] })
    await old.next((frame) => frame.type === 'registered')
    const fresh = await connect()
    fresh.send({ type: 'register', request_id: 'r', toolkit_hash: 'h2', tools: [wireTool('both'), wireTool('new')] })
    await fresh.next((frame) => frame.type === 'registered')
    await using third = await connect()
    third.send({ type: 'register', request_id: 'r1', toolkit_hash: 'h2' })
    await expect(third.next((frame) => frame.request_id === 'r1')).resolves.toMatchObject({ tools: ['both', 'new'] })
    await fresh[Symbol.asyncDispose]()
    await third[Symbol.asyncDispose]()
    await using fourth = await connect()
    fourth.send({ type: 'register', request_id: 'r2', toolkit_hash: 'h2' })
    await expect(fourth.next((frame) => frame.request_id === 'r2')).resolves.toMatchObject({ resend: true })
  })

  it('makes a new toolkit found by its own name at once, also where another one was found by it before', async () => {
    await using server = await startTestServer()
    const start = async (appName: string) => {
      const toolkit = await server.toolkit({ appName })
      toolkit.registerTool({ name: 'who', description: 'Who' }, () => appName)
      await toolkit.start()
    }
    const llm = server.llm()
    await start('My Tools')
    await expect(llm.call({ toolkitId: 'my-tools', tool: 'who' })).resolves.toBe('My Tools')
    await start('my-tools')
    await expect(llm.call({ toolkitId: 'my-tools', tool: 'who' })).resolves.toBe('my-tools')
  })

  it('sends no tools when the server has them already, and all of them when it does not', async () => {
    await using server = await startTestServer()
    const { key } = await server.server.createKey({ kind: 'toolkit', name: 'known' })
    await using first = await connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key })
    first.send({ type: 'register', request_id: 'r', toolkit_hash: 'h1', tools: [wireTool('a')] })
    await first.next((frame) => frame.type === 'registered')
    await using second = await connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key })
    expect(second.frames[0]).toMatchObject({ type: 'welcome', toolkit_hash: 'h1' })
    second.send({ type: 'register', request_id: 'r1', toolkit_hash: 'h1' })
    await expect(second.next((frame) => frame.request_id === 'r1')).resolves.toMatchObject({
      tools: ['a'],
      resend: false,
    })
    second.send({ type: 'register', request_id: 'r2', toolkit_hash: 'h2' })
    await expect(second.next((frame) => frame.request_id === 'r2')).resolves.toMatchObject({ resend: true })
  })
})

describe('limits', () => {
  it('answer busy above the calls in flight of a key', async () => {
    await using server = await startTestServer({ limits: { callsInFlightPerKey: 2 } })
    const { finish } = await controlledToolkit(server, 'slow')
    const llm = server.llm()
    const calls = [1, 2].map(() => llm.call({ toolkitId: 'slow', tool: 'wait' }))
    await expect(llm.call({ toolkitId: 'slow', tool: 'wait' })).rejects.toMatchObject({ code: 'busy', retryable: true })
    finish.resolve('done')
    await expect(Promise.all(calls)).resolves.toEqual(['done', 'done'])
    await expect(llm.call({ toolkitId: 'slow', tool: 'wait' })).resolves.toBe('done')
  })

  it('answer busy above a toolkit’s own concurrency', async () => {
    await using server = await startTestServer()
    const toolkit = await server.toolkit({ appName: 'narrow', maxConcurrency: 1 })
    const finish = Promise.withResolvers<string>()
    toolkit.registerTool({ name: 'wait', description: 'Waits' }, () => finish.promise)
    await toolkit.start()
    const llm = server.llm()
    const call = llm.call({ toolkitId: 'narrow', tool: 'wait' })
    await expect(llm.call({ toolkitId: 'narrow', tool: 'wait' })).rejects.toMatchObject({ code: 'busy' })
    finish.resolve('done')
    await expect(call).resolves.toBe('done')
  })

  it('refuse the seventeenth toolkit socket and the sixty-fifth LLM socket of a key with 429', async () => {
    await using server = await startTestServer({ limits: { connectsPerKeyPer10s: 1_000, refusalDelayMs: 1 } })
    const { key } = await server.server.createKey({ kind: 'toolkit', name: 'many' })
    await using stack = new AsyncDisposableStack()
    for (const [path, secret, max] of [
      ['/ws/v2/toolkit', key, 16],
      ['/ws/v2/llm', server.keys.llmKey, 64],
    ] as const) {
      const connect = () => connectRawPeer({ url: server.url, path, key: secret })
      const first = await connect()
      for (let i = 1; i < max; i += 1) stack.use(await connect())
      await expect(connect()).rejects.toMatchObject({ status: 429 })
      await first[Symbol.asyncDispose]()
      await vi.waitFor(async () => stack.use(await connect()))
    }
  })

  it('refuse a key that connects more than sixty times in ten seconds', async () => {
    await using server = await startTestServer()
    const connect = () => connectRawPeer({ url: server.url, path: '/ws/v2/llm', key: server.keys.llmKey })
    for (let i = 0; i < 60; i += 1) await (await connect())[Symbol.asyncDispose]()
    await expect(connect()).rejects.toMatchObject({ status: 429, body: expect.stringContaining('rate_limited') })
  })

  it('fail a call whose result is above 1 MiB and keep the toolkit’s socket', async () => {
    await using server = await startTestServer()
    const { key } = await server.server.createKey({ kind: 'toolkit', name: 'big' })
    await using toolkit = await connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key })
    toolkit.send({ type: 'register', request_id: 'r', toolkit_hash: 'h', tools: [wireTool('big')] })
    await toolkit.next((frame) => frame.type === 'registered')
    const llm = server.llm()
    const answer = async (result: string): Promise<unknown> => {
      const call = llm.call({ toolkitId: 'big', tool: 'big' }).catch((error: unknown) => error)
      const { request_id } = await toolkit.next((frame) => frame.type === 'call')
      toolkit.frames.length = 0
      toolkit.send({ type: 'result', request_id, ok: true, result })
      return call
    }
    const cap = 1_048_576
    await expect(answer('x'.repeat(cap - 1))).resolves.toMatchObject({ code: 'result_too_large' })
    await expect(answer('x'.repeat(cap - 2))).resolves.toHaveLength(cap - 2)
    await expect(answer('ß'.repeat(cap / 2))).resolves.toMatchObject({ code: 'result_too_large' })
  })

  it('answer busy for a toolkit that does not read, close it when it goes on, and harm nobody else', async () => {
    await using server = await startTestServer({
      limits: { bufferedBusyBytes: 1_048_576, bufferedCloseBytes: 4_194_304, callsInFlightPerKey: 10_000 },
    })
    const { key } = await server.server.createKey({ kind: 'toolkit', name: 'deaf' })
    await using deaf = await connectRawPeer({
      url: server.url,
      path: '/ws/v2/toolkit',
      key,
      hello: { max_concurrency: 9_999 },
    })
    deaf.send({ type: 'register', request_id: 'r', toolkit_hash: 'h', tools: [wireTool('listen')] })
    await deaf.next((frame) => frame.type === 'registered')
    const other = await server.toolkit({ appName: 'other' })
    other.registerTool({ name: 'ping', description: 'Answers' }, () => 'pong')
    await other.start()
    deaf.socket.pause()
    const llm = server.llm()
    const outcomes = new Set<string>()
    const text = 'x'.repeat(500_000)
    // What the kernel takes in for a peer that does not read is not ours to know, so the flood goes on until it shows.
    for (let i = 0; i < 200 && !outcomes.has('busy'); i += 1) {
      llm
        .call({ toolkitId: 'deaf', tool: 'listen', params: { text } })
        .catch((error: AtpError) => outcomes.add(error.code))
      await expect(llm.call({ toolkitId: 'other', tool: 'ping' })).resolves.toBe('pong')
    }
    expect(outcomes).toContain('busy')
  })

  it('take requests of 1 MB', async () => {
    await using server = await startTestServer()
    const toolkit = await server.toolkit({ appName: 'echo' })
    toolkit.registerTool({ name: 'length', description: 'Length', params: ['text'] }, ({ text }) => String(text).length)
    await toolkit.start()
    for (const protocol of ['ws', 'http'] as const) {
      const llm = server.llm({ protocol })
      await expect(
        llm.call({ toolkitId: 'echo', tool: 'length', params: { text: 'x'.repeat(1_000_000) } }),
      ).resolves.toBe(1_000_000)
    }
  })
})

describe('what a toolkit reports', () => {
  it('of a failed call cannot pass for a refused key, nor carry megabytes', async () => {
    await using server = await startTestServer()
    const { key } = await server.server.createKey({ kind: 'toolkit', name: 'sly' })
    await using toolkit = await connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key })
    toolkit.send({ type: 'register', request_id: 'r', toolkit_hash: 'h', tools: [wireTool('x')] })
    await toolkit.next((frame) => frame.type === 'registered')
    const llm = server.llm()
    const failWith = async (answer: object): Promise<unknown> => {
      const call = llm.call({ toolkitId: 'sly', tool: 'x' }).catch((error: unknown) => error)
      const { request_id } = await toolkit.next((frame) => frame.type === 'call')
      toolkit.frames.length = 0
      toolkit.send({ request_id, ...answer })
      return call
    }
    const error = { code: 'unauthorized', message: 'no', details: { text: 'x'.repeat(1_000_000) } }
    await expect(failWith({ type: 'result', ok: false, error })).resolves.toMatchObject({
      code: 'tool_error',
      message: 'no',
      details: undefined,
    })
    await expect(
      failWith({ type: 'error', error: { code: 'invalid_request', message: 'unreadable' } }),
    ).resolves.toMatchObject({ code: 'invalid_request' })
  })
})

it('answers any number of questions for toolkits that are not there', async () => {
  await using server = await startTestServer({ limits: { badFramesPer10s: 10 } })
  const llm = server.llm()
  for (let i = 0; i < 50; i += 1) {
    await expect(llm.getToolkitContext({ toolkitId: 'later' })).rejects.toMatchObject({ code: 'toolkit_not_found' })
  }
})

describe('shutting down', () => {
  it('refuses new calls, lets running ones end, tells both peers, and closes with 1012', async () => {
    await using server = await startTestServer()
    const { started, finish, toolkit } = await controlledToolkit(server, 'slow')
    await using peer = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', key: server.keys.llmKey })
    const call = { type: 'call', toolkit_id: 'slow', tool: 'wait', params: {} }
    peer.send({ ...call, request_id: 'before' })
    await started
    const reconnecting = new Promise((resolve) => toolkit.on('reconnecting', resolve))
    const closed = server.server.close()
    await peer.next((frame) => frame.type === 'drain')
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503)
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    peer.send({ ...call, request_id: 'during' })
    await expect(peer.next((frame) => frame.request_id === 'during')).resolves.toMatchObject({
      error: { code: 'server_shutting_down', retryable: true },
    })
    finish.resolve('finished in time')
    await expect(peer.next((frame) => frame.request_id === 'before')).resolves.toMatchObject({
      result: 'finished in time',
    })
    await expect(peer.closed).resolves.toBe(1012)
    await reconnecting
    await closed
    await server.server.close()
  })

  it('ends calls that outlast the grace, each with its one outcome', async () => {
    await using server = await startTestServer({ keepData: true })
    const { started } = await controlledToolkit(server, 'slow')
    const call = server.llm().call({ toolkitId: 'slow', tool: 'wait' })
    const rejected = expect(call).rejects.toMatchObject({ code: 'toolkit_disconnected', retryable: false })
    await started
    await server.server.close(50)
    await rejected
    await using again = await startTestServer({ dataDir: server.dataDir })
    await expect(callLog(again)).resolves.toMatchObject([{ status: 'outcome_unknown' }])
  })
})

it('keeps keys, registrations and the call log across a restart', async () => {
  await using first = await startTestServer({ keepData: true })
  const toolkit = await first.toolkit({ appName: 'kept', caption: 'Stays' })
  toolkit.registerTool({ name: 'one', description: 'One', tags: ['x'], timeoutMs: 1_000 }, () => 1)
  await toolkit.start()
  await first.llm().call({ toolkitId: 'kept', tool: 'one' })
  await toolkit.stop()
  await first.server.close()
  await using second = await startTestServer({ dataDir: first.dataDir })
  expect(second.keys.llmKey).toBe(first.keys.llmKey)
  const context = await second.llm().getToolkitContext({ toolkitId: 'kept' })
  expect(context).toMatchObject({ caption: 'Stays', tools: [{ name: 'one' }] })
  await expect(second.llm().call({ toolkitId: 'kept', tool: 'one' })).rejects.toMatchObject({ code: 'toolkit_offline' })
  await expect(callLog(second)).resolves.toHaveLength(2)
})
