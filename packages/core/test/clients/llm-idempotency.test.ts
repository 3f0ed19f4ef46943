import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LLMClient } from '../../src/clients/llm-client.ts'
import { type AskedHttp, type EventServer, eventText, startEventServer, taskAnswer } from './event-server.ts'
import { answerNext, type ConnectedLlm, connectForEachTest, type LlmPeer } from './llm-support.ts'

const toolCalls = ['a', 'b', 'c'].map((call_id) => ({ type: 'function_call', call_id, name: 'pay', arguments: '{}' }))

describe('the idempotency key of a call over a socket', () => {
  let server: ConnectedLlm['server']
  let client: LLMClient
  let peer: LlmPeer

  connectForEachTest((connected) => {
    ;({ server, client, peer } = connected)
  })

  it('travels with it, and with whom it is for', async () => {
    const calling = client.call({ toolkitId: 'demo', tool: 'pay', idempotencyKey: 'k', externalUserId: 'ada' })
    expect(await peer.next('call')).toMatchObject({ idempotencyKey: 'k', externalUserId: 'ada' })
    peer.send({ type: 'result', requestId: 'q2', ok: true, result: 1 })
    await calling
  })

  it('is one for each of several calls, by its place, and as it is for one', async () => {
    const all = client.callTool({ toolkitId: 'demo', toolCalls, idempotencyKey: 'k', externalUserId: 'ada' })
    const frames = await peer.take(3, 'call')
    expect(frames.map(({ idempotencyKey }) => idempotencyKey)).toEqual(['k:0', 'k:1', 'k:2'])
    expect(frames.map(({ externalUserId }) => externalUserId)).toEqual(['ada', 'ada', 'ada'])
    for (const { requestId } of frames) peer.send({ type: 'result', requestId, ok: true, result: 1 })
    await all
    const one = client.callTool({ toolkitId: 'demo', toolCalls: toolCalls.slice(0, 1), idempotencyKey: 'k' })
    expect(await peer.next('call')).toMatchObject({ idempotencyKey: 'k' })
    peer.send({ type: 'result', requestId: 'q5', ok: true, result: 1 })
    await one
  })

  it.each([
    { idempotencyKey: '' },
    { idempotencyKey: 'x'.repeat(256) },
    { idempotencyKey: 5 as unknown as string },
    { externalUserId: '' },
    { externalUserId: 'x'.repeat(513) },
  ])('is refused when it is %j', async (more) => {
    const refused = { code: 'invalid_request' }
    await expect(client.call({ toolkitId: 'demo', tool: 'pay', ...more })).rejects.toMatchObject(refused)
    await expect(client.callTool({ toolkitId: 'demo', toolCalls, ...more })).rejects.toMatchObject(refused)
    await expect(client.callStreaming({ toolkitId: 'demo', tool: 'pay', ...more }).next()).rejects.toMatchObject(
      refused,
    )
    expect(peer.types).toEqual(['hello', 'call'])
  })

  it('must leave room for the places of several calls', async () => {
    const request = { toolkitId: 'demo', toolCalls, idempotencyKey: 'x'.repeat(254) }
    await expect(client.callTool(request)).rejects.toMatchObject({ code: 'invalid_request' })
    const one = client.callTool({ ...request, toolCalls: toolCalls.slice(0, 1) })
    await answerNext(peer, 1)
    await one
  })

  it('lets it be sent again when the connection is lost', async () => {
    const calling = client.call({ toolkitId: 'demo', tool: 'pay', idempotencyKey: 'k' })
    await peer.next('call')
    peer.raw.terminate()
    await vi.waitFor(() => expect(server.memory.attempts).toBe(2))
    const second = await server.welcome()
    await vi.advanceTimersByTimeAsync(1_000)
    const frame = await second.next('call')
    expect(frame).toMatchObject({ tool: 'pay', idempotencyKey: 'k' })
    second.send({ type: 'result', requestId: frame.requestId, ok: true, result: 'paid' })
    expect(await calling).toBe('paid')
  })

  it('lets a stream go on over the next connection, without a chunk twice', async () => {
    const reading = (async () => {
      const data: unknown[] = []
      for await (const part of client.callStreaming({ toolkitId: 'demo', tool: 'pay', idempotencyKey: 'k' })) {
        data.push(part.type === 'chunk' ? part.data : part.type)
      }
      return data
    })()
    const { requestId } = await peer.next('call')
    peer.send({ type: 'chunk', requestId, sequence: 0, data: 'one' })
    await vi.advanceTimersByTimeAsync(0)
    peer.raw.terminate()
    await vi.waitFor(() => expect(server.memory.attempts).toBe(2))
    const second = await server.welcome()
    await vi.advanceTimersByTimeAsync(1_000)
    const again = await second.next('call')
    for (const [sequence, data] of ['one', 'two'].entries()) {
      second.send({ type: 'chunk', requestId: again.requestId, sequence, data })
    }
    second.send({ type: 'result', requestId: again.requestId, ok: true, result: 2 })
    expect(await reading).toEqual(['one', 'two', 'result'])
  })

  it.each(['idempotency_mismatch', 'idempotency_in_progress'] as const)(
    'that fails with %s is thrown: no model can react to it',
    async (code) => {
      const calling = client.callTool({ toolkitId: 'demo', toolCalls: toolCalls.slice(0, 1), idempotencyKey: 'k' })
      const { requestId } = await peer.next('call')
      peer.send({ type: 'result', requestId, ok: false, error: { code, message: 'used', retryable: false } })
      await expect(calling).rejects.toMatchObject({ code })
    },
  )
})

describe('the idempotency key of a call over HTTP', () => {
  let server: EventServer
  let client: LLMClient

  beforeEach(async () => {
    server = await startEventServer()
    client = new LLMClient({ apiKey: 'k', baseUrl: server.baseUrl, protocol: 'http', backoff: { baseMs: 1 } })
  })
  afterEach(async () => {
    await client.close()
    await server.stop()
  })

  const pay = (idempotencyKey: string) => client.call({ toolkitId: 'demo', tool: 'pay', idempotencyKey })

  /** The next request, which must ask whether the server knows of calls. */
  async function nextProbe(): Promise<AskedHttp> {
    const asked = await server.asked.next()
    expect(`${asked.method} ${asked.path}`).toMatch(/^GET \/api\/v2\/llm\/calls\/[0-9a-f-]{36}$/)
    return asked
  }

  it.each([
    ['order-1', '"order-1"'],
    ['say "hi"\\', '"say \\"hi\\"\\\\"'],
    ['Größe', undefined],
    ['two\nlines', undefined],
  ])('%j travels in the body, and in the header as %j', async (key, header) => {
    const calling = pay(key)
    const { body, headers, json } = await server.asked.next()
    expect(body).toMatchObject({ idempotency_key: key })
    expect(headers['idempotency-key']).toBe(header)
    json(200, taskAnswer(1))
    await calling
  })

  it('is left out where there is none', async () => {
    const calling = client.call({ toolkitId: 'demo', tool: 'pay', externalUserId: 'ada' })
    const { body, headers, json } = await server.asked.next()
    expect(body).toMatchObject({ external_user_id: 'ada' })
    expect(body).not.toHaveProperty('idempotency_key')
    expect(headers).not.toHaveProperty('idempotency-key')
    json(200, taskAnswer(1))
    await calling
  })

  it.each([
    [409, 'idempotency_in_progress'],
    [422, 'idempotency_mismatch'],
  ])('that is answered %i throws %s', async (status, code) => {
    const calling = pay('k')
    ;(await server.asked.next()).json(status, { error: 'used', code })
    await expect(calling).rejects.toMatchObject({ code, message: 'used' })
  })

  it('lets it be sent again, to a server that says it knows of calls', async () => {
    const calling = pay('k')
    ;(await server.asked.next()).cut()
    ;(await nextProbe()).json(404, { status: 404, code: 'not_found', detail: 'There is no such call' })
    ;(await server.asked.next()).json(409, { error: 'under way', code: 'idempotency_in_progress' })
    const { body, json } = await server.asked.next()
    expect(body).toMatchObject({ type: 'task_request', idempotency_key: 'k' })
    json(200, taskAnswer('paid'))
    expect(await calling).toBe('paid')
  })

  it.each([
    [404, '<html>Not Found</html>'],
    [404, { error: 'Not found' }],
    [404, { detail: 'Not found.' }],
    [200, {}],
  ])('does not let it be sent again to a founding server (%i %j)', async (status, body) => {
    const calling = pay('k')
    ;(await server.asked.next()).cut()
    ;(await nextProbe()).json(status, body)
    await expect(calling).rejects.toMatchObject({ code: 'connection_failed' })
    expect(server.asked.all).toHaveLength(2)
  })

  it('lets a stream be sent again whose beginning never came', async () => {
    const reading = client.callStreaming({ toolkitId: 'demo', tool: 'pay', idempotencyKey: 'k' })
    const first = reading.next()
    const asked = await server.asked.next()
    await asked.stream(': heartbeat\n\n')
    asked.cut()
    ;(await nextProbe()).json(404, { status: 404, code: 'not_found', detail: 'There is no such call' })
    await (await server.asked.next()).stream(eventText(1, 'answer', taskAnswer('paid')))
    expect(await first).toMatchObject({ value: { type: 'result', result: 'paid' } })
  })
})
