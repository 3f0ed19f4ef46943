import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../support/test-server.ts'

/* Calls that outlive their callers: with an idempotency key, or detached. */

interface Counting {
  runs: () => number
  finish: (value: unknown) => void
}

/** A toolkit whose tool `work` counts its runs, and whose tool `hold` waits to be told its result. */
async function startCounting(server: TestServer): Promise<Counting> {
  let runs = 0
  let finish: (value: unknown) => void = () => {}
  const toolkit = await server.toolkit({ appName: 'counting' })
  toolkit.registerTool({ name: 'work', description: '', params: { type: 'object' } }, (args) => {
    runs += 1
    return { runs, args }
  })
  toolkit.registerTool({ name: 'fail', description: '', params: { type: 'object' } }, () => {
    runs += 1
    throw new Error(`failed ${runs}`)
  })
  toolkit.registerTool({ name: 'hold', description: '', params: { type: 'object' } }, () => {
    runs += 1
    return new Promise((resolve) => {
      finish = resolve
    })
  })
  await toolkit.start()
  return { runs: () => runs, finish: (value) => finish(value) }
}

for (const protocol of ['ws', 'http'] as const) {
  describe(`a call with an idempotency key over ${protocol}`, () => {
    it('runs once, however often it is made, and gives the same answer', async () => {
      await using server = await startTestServer()
      const { runs } = await startCounting(server)
      const llm = server.llm({ protocol })
      const call = { toolkitId: 'counting', tool: 'work', params: { b: 1, a: [2] }, idempotencyKey: 'k1' }
      const first = await llm.call(call)
      expect(first).toEqual({ runs: 1, args: { b: 1, a: [2] } })
      await expect(llm.call({ ...call, params: { a: [2], b: 1 } })).resolves.toEqual(first)
      expect(runs()).toBe(1)
      await expect(llm.call({ ...call, idempotencyKey: 'k2' })).resolves.toMatchObject({ runs: 2 })
    })

    it('is refused where its key was used for something else', async () => {
      await using server = await startTestServer()
      await startCounting(server)
      const llm = server.llm({ protocol })
      const call = { toolkitId: 'counting', tool: 'work', params: { a: 1 }, idempotencyKey: 'k1' }
      await llm.call(call)
      await expect(llm.call({ ...call, params: { a: 2 } })).rejects.toMatchObject({ code: 'idempotency_mismatch' })
      await expect(llm.call({ ...call, tool: 'fail' })).rejects.toMatchObject({ code: 'idempotency_mismatch' })
    })

    it('is another one for another user, and for another key of the project', async () => {
      await using server = await startTestServer()
      const { runs } = await startCounting(server)
      const llm = server.llm({ protocol })
      const other = server.llm({ protocol, apiKey: (await server.server.createKey({ kind: 'llm' })).key })
      const call = { toolkitId: 'counting', tool: 'work', idempotencyKey: 'k1' }
      await llm.call({ ...call, externalUserId: 'alice' })
      await llm.call({ ...call, externalUserId: 'bob' })
      await other.call({ ...call, externalUserId: 'alice' })
      expect(runs()).toBe(3)
    })

    it('gives the error of its tool again, and runs again after what never ran', async () => {
      await using server = await startTestServer()
      const llm = server.llm({ protocol })
      const call = { toolkitId: 'counting', tool: 'fail', idempotencyKey: 'k1' }
      await expect(llm.call(call)).rejects.toMatchObject({ code: 'toolkit_not_found' })
      const { runs } = await startCounting(server)
      await expect(llm.call(call)).rejects.toMatchObject({ code: 'tool_error', message: 'failed 1' })
      await expect(llm.call(call)).rejects.toMatchObject({ code: 'tool_error', message: 'failed 1' })
      expect(runs()).toBe(1)
    })
  })

  describe(`a detached call over ${protocol}`, () => {
    it('is accepted with an id, goes on, and is asked for later', async () => {
      await using server = await startTestServer()
      const { finish, runs } = await startCounting(server)
      const llm = server.llm({ protocol })
      const accepted = await llm.call({ toolkitId: 'counting', tool: 'hold', detach: true })
      const { callId } = accepted as { callId: string }
      await expect.poll(runs).toBe(1)
      await expect(llm.getCall(callId)).resolves.toMatchObject({ callId, tool: 'hold', status: 'running' })
      const waiting = llm.waitForCall(callId)
      await wait(50)
      finish({ done: true })
      await expect(waiting).resolves.toEqual({ done: true })
      await expect(llm.getCall(callId)).resolves.toMatchObject({ status: 'succeeded', result: { done: true } })
    })

    it('is missing for every other key', async () => {
      await using server = await startTestServer()
      await startCounting(server)
      const llm = server.llm({ protocol })
      const { callId } = (await llm.call({ toolkitId: 'counting', tool: 'work', detach: true })) as { callId: string }
      await llm.waitForCall(callId)
      const other = server.llm({ protocol, apiKey: (await server.server.createKey({ kind: 'llm' })).key })
      await expect(other.getCall(callId)).rejects.toMatchObject({ code: 'not_found' })
    })
  })
}

it('gives the stored answer of a key also while the toolkit is gone, and refuses another call with it', async () => {
  await using server = await startTestServer()
  const toolkit = await server.toolkit({ appName: 'leaving' })
  toolkit.registerTool({ name: 'work', description: '', params: { type: 'object' } }, () => 'done')
  await toolkit.start()
  const llm = server.llm()
  const call = { toolkitId: 'leaving', tool: 'work', params: { n: 1 }, idempotencyKey: 'k1' }
  await llm.call(call)
  await toolkit.stop()
  const offline = () => llm.call({ ...call, idempotencyKey: 'k2' }).catch(({ code }) => code)
  await expect.poll(offline).toBe('toolkit_offline')
  await expect(llm.call(call)).resolves.toBe('done')
  await expect(llm.call({ ...call, params: { n: 2 } })).rejects.toMatchObject({ code: 'idempotency_mismatch' })
})

it('streams sixteen calls at once over one socket, whole', async () => {
  await using server = await startTestServer()
  const toolkit = await server.toolkit({ appName: 'chatty' })
  toolkit.registerTool({ name: 'count', description: '' }, async function* () {
    for (let n = 0; n < 1_000; n += 1) yield n
    return 'whole'
  })
  await toolkit.start()
  const llm = server.llm()
  const read = async (): Promise<unknown> => {
    let chunks = 0
    for await (const part of llm.callStreaming({ toolkitId: 'chatty', tool: 'count' })) {
      if (part.type === 'chunk') chunks += 1
      if (part.type === 'result') return [chunks, part.result]
    }
    return undefined
  }
  const streams = await Promise.all(Array.from({ length: 16 }, read))
  expect(streams).toEqual(streams.map(() => [1_000, 'whole']))
})

it('keeps the answers of stored calls across a restart', async () => {
  let folder = ''
  let callId = ''
  let llmKey = ''
  {
    await using server = await startTestServer({ keepData: true })
    folder = server.dataDir
    llmKey = server.keys.llmKey
    await startCounting(server)
    const llm = server.llm()
    await llm.call({ toolkitId: 'counting', tool: 'work', params: { n: 7 }, idempotencyKey: 'k1' })
    callId = ((await llm.call({ toolkitId: 'counting', tool: 'work', detach: true })) as { callId: string }).callId
    await llm.waitForCall(callId)
  }
  await using server = await startTestServer({ dataDir: folder })
  const llm = server.llm({ apiKey: llmKey })
  await expect(llm.waitForCall(callId)).resolves.toMatchObject({ runs: 2 })
  const { runs } = await startCounting(server)
  const again = { toolkitId: 'counting', tool: 'work', params: { n: 7 }, idempotencyKey: 'k1' }
  await expect(llm.call(again)).resolves.toMatchObject({ runs: 1, args: { n: 7 } })
  expect(runs()).toBe(0)
})

it.each(['ws', 'http'] as const)('cancels a stream over %s that its reader leaves early', async (protocol) => {
  await using server = await startTestServer()
  const toolkit = await server.toolkit({ appName: 'endless' })
  const left = Promise.withResolvers<void>()
  toolkit.registerTool({ name: 'count', description: '' }, async function* (_args, { signal }) {
    signal.addEventListener('abort', () => left.resolve())
    for (let n = 0; !signal.aborted; n += 1) {
      yield n
      await wait(5)
    }
  })
  await toolkit.start()
  for await (const part of server.llm({ protocol }).callStreaming({ toolkitId: 'endless', tool: 'count' })) {
    if (part.type === 'chunk' && part.sequence === 2) break
  }
  await left.promise
})

it('takes the idempotency key of the header, quoted or not, for the one of the body', async () => {
  await using server = await startTestServer()
  const { runs } = await startCounting(server)
  const post = async (header: string | undefined, body: object = {}): Promise<unknown> => {
    const answer = await fetch(`${server.url}/api/v1/atp/llm-client/process/`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${server.keys.llmKey}`,
        'content-type': 'application/json',
        ...(header === undefined ? {} : { 'idempotency-key': header }),
      },
      body: JSON.stringify({
        type: 'task_request',
        request_id: 'r',
        toolkit_id: 'counting',
        payload: { function: 'work', parameters: {} },
        ...body,
      }),
    })
    return ((await answer.json()) as { payload: { result: { runs: number } } }).payload.result.runs
  }
  expect(await post('"the key"')).toBe(1)
  expect(await post('the key')).toBe(1)
  expect(await post(undefined, { idempotency_key: 'the key' })).toBe(1)
  expect(await post('another')).toBe(2)
  expect(runs()).toBe(2)
})
