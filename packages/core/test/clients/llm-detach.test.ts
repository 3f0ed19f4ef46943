import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LLMClient } from '../../src/clients/llm-client.ts'
import { type EventServer, startEventServer, taskAnswer } from './event-server.ts'
import { connectForEachTest, type LlmPeer } from './llm-support.ts'

const toolCalls = ['a', 'b'].map((call_id) => ({
  type: 'function_call',
  call_id,
  name: `tool_${call_id}`,
  arguments: '{}',
}))
const failed = { code: 'queue_full', message: 'Too many wait', retryable: true } as const

describe('calls over a socket that nobody waits for', () => {
  let client: LLMClient
  let peer: LlmPeer

  connectForEachTest((connected) => {
    ;({ client, peer } = connected)
  })

  it('return their id as soon as they are stored', async () => {
    const calling = client.call({ toolkitId: 'demo', tool: 'count', params: { to: 3 }, detach: true })
    const { requestId, ...frame } = await peer.next('call')
    expect(frame).toMatchObject({
      toolkitId: 'demo',
      tool: 'count',
      params: { to: 3 },
      detach: true,
      stream: undefined,
    })
    peer.send({ type: 'accepted', requestId, callId: 'c1' })
    expect(await calling).toEqual({ callId: 'c1' })
  })

  it('of an LLM return an id each, or why one was not stored', async () => {
    const calling = client.callTool({ toolkitId: 'demo', toolCalls, detach: true, timeoutMs: 5_000 })
    const [a, b] = await peer.take(2, 'call')
    expect([a, b]).toMatchObject([{ detach: true, timeoutMs: 5_000 }, { detach: true }])
    peer.send({ type: 'result', requestId: b?.requestId ?? '', ok: false, error: failed })
    peer.send({ type: 'accepted', requestId: a?.requestId ?? '', callId: 'c1' })
    expect(await calling).toEqual([
      { toolCallId: 'a', tool: 'tool_a', callId: 'c1' },
      { toolCallId: 'b', tool: 'tool_b', error: failed },
    ])
  })

  it('of an LLM keep their ids when the connection is lost before the others are stored', async () => {
    const calling = client.callTool({ toolkitId: 'demo', toolCalls, detach: true })
    const [a] = await peer.take(2, 'call')
    peer.send({ type: 'accepted', requestId: a?.requestId ?? '', callId: 'c1' })
    await vi.advanceTimersByTimeAsync(0)
    peer.raw.terminate()
    expect(await calling).toMatchObject([{ callId: 'c1' }, { error: { code: 'connection_closed' } }])
  })

  it('of an LLM throw what no model can react to when none is stored', async () => {
    const calling = client.callTool({ toolkitId: 'demo', toolCalls, detach: true })
    await peer.take(2, 'call')
    peer.raw.terminate()
    await expect(calling).rejects.toMatchObject({ code: 'connection_closed' })
  })

  it('may be in the founding form', async () => {
    const calling = client.callTool({
      toolkitId: 'demo',
      jsonResponse: { function: 'f', parameters: {} },
      detach: true,
    })
    const { requestId } = await peer.next('call')
    peer.send({ type: 'accepted', requestId, callId: 'c1' })
    expect(await calling).toMatchObject([{ tool: 'f', callId: 'c1' }])
  })

  it('are unsupported where the server runs them instead', async () => {
    const calls = [
      client.call({ toolkitId: 'demo', tool: 'count', detach: true }),
      client.callTool({ toolkitId: 'demo', toolCalls: toolCalls.slice(1), detach: true }),
    ]
    const outcomes = Promise.allSettled(calls)
    for (const { requestId } of await peer.take(2, 'call'))
      peer.send({ type: 'result', requestId, ok: true, result: 1 })
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { code: 'unsupported' } })
  })

  it('throw why they were not stored', async () => {
    const calling = client.call({ toolkitId: 'demo', tool: 'count', detach: true })
    const { requestId } = await peer.next('call')
    peer.send({ type: 'result', requestId, ok: false, error: failed })
    await expect(calling).rejects.toMatchObject(failed)
  })

  it('are no results, and results are none of them', async () => {
    const calling = client.call({ toolkitId: 'demo', tool: 'count' })
    const { requestId } = await peer.next('call')
    peer.send({ type: 'accepted', requestId, callId: 'c1' })
    await expect(calling).rejects.toMatchObject({ code: 'protocol_error' })
  })
})

describe('calls over HTTP that nobody waits for', () => {
  let server: EventServer
  let client: LLMClient

  beforeEach(async () => {
    server = await startEventServer()
    client = new LLMClient({ apiKey: 'k', baseUrl: server.baseUrl, protocol: 'http' })
  })
  afterEach(async () => {
    await client.close()
    await server.stop()
  })

  it('return their id as soon as they are stored', async () => {
    const calling = client.call({ toolkitId: 'demo', tool: 'count', detach: true })
    const { body, headers, json } = await server.asked.next()
    expect(body).toMatchObject({ type: 'task_request', toolkit_id: 'demo', detach: true })
    expect(headers.accept).not.toContain('text/event-stream')
    json(202, { type: 'task_accepted', request_id: 'r1', call_id: 'c1' })
    expect(await calling).toEqual({ callId: 'c1' })
  })

  it('throw why they were not stored, however the server says so', async () => {
    const first = client.call({ toolkitId: 'demo', tool: 'count', detach: true })
    ;(await server.asked.next()).json(200, taskAnswer({ error: failed.message }, failed))
    await expect(first).rejects.toMatchObject(failed)
    const second = client.call({ toolkitId: 'demo', tool: 'count', detach: true })
    ;(await server.asked.next()).json(429, { error: failed.message, code: failed.code })
    await expect(second).rejects.toMatchObject(failed)
  })

  it.each([taskAnswer(3), { ...taskAnswer({ error: 'no' }), error: undefined }])(
    'are unsupported where a founding server runs them instead',
    async (answer) => {
      const calling = client.call({ toolkitId: 'demo', tool: 'count', detach: true })
      ;(await server.asked.next()).json(200, answer)
      await expect(calling).rejects.toMatchObject({ code: 'unsupported' })
    },
  )

  it('fail where the answer is neither', async () => {
    const calling = client.call({ toolkitId: 'demo', tool: 'count', detach: true })
    ;(await server.asked.next()).json(202, { type: 'task_accepted' })
    await expect(calling).rejects.toMatchObject({ code: 'protocol_error' })
  })
})
