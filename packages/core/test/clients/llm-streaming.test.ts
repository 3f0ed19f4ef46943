import { describe, expect, it, vi } from 'vitest'
import type { LLMClient, ToolCallPart } from '../../src/clients/llm-client.ts'
import { maxUnreadLength } from '../../src/clients/part-stream.ts'
import { connectForEachTest, type LlmPeer } from './llm-support.ts'

let client: LLMClient
let peer: LlmPeer

connectForEachTest((connected) => {
  ;({ client, peer } = connected)
})

const toolCall = (id: string, name = id) => ({ type: 'tool_use', id, name, input: { of: id } })
const two = [toolCall('a'), toolCall('b')]

const streamTools = (more: object = {}) =>
  client.callToolStreaming({ toolkitId: 'demo', provider: 'anthropic', toolCalls: two, ...more })

async function collect<Part>(parts: AsyncIterable<Part>): Promise<Part[]> {
  const all: Part[] = []
  for await (const part of parts) all.push(part)
  return all
}

describe('callStreaming', () => {
  it('asks for a stream, and yields progress, chunks and the result as they come', async () => {
    const parts = client.callStreaming({ toolkitId: 'demo', tool: 'count', params: { to: 2 }, timeoutMs: 5_000 })
    const first = parts.next()
    const frame = await peer.next('call')
    expect(frame).toMatchObject({ toolkitId: 'demo', tool: 'count', params: { to: 2 }, stream: true, timeoutMs: 5_000 })
    const { requestId } = frame
    peer.send({ type: 'progress', requestId, progress: 0.5 })
    expect(await first).toEqual({ done: false, value: { type: 'progress', tool: 'count', progress: 0.5 } })
    peer.send({ type: 'chunk', requestId, sequence: 0, data: 'one' })
    peer.send({ type: 'chunk', requestId, sequence: 1, data: { two: 2 } })
    peer.send({ type: 'result', requestId, callId: 'c1', ok: true, result: ['one', 2] })
    expect(await collect(parts)).toEqual([
      { type: 'chunk', tool: 'count', sequence: 0, data: 'one' },
      { type: 'chunk', tool: 'count', sequence: 1, data: { two: 2 } },
      { type: 'result', callId: 'c1', tool: 'count', result: ['one', 2] },
    ])
  })

  it('throws what the call failed with, after the parts before it', async () => {
    const parts = client.callStreaming({ toolkitId: 'demo', tool: 'count' })
    const first = parts.next()
    const { requestId } = await peer.next('call')
    peer.send({ type: 'chunk', requestId, sequence: 0, data: 1 })
    peer.send({ type: 'chunk', requestId, sequence: 1, data: 2 })
    peer.send({
      type: 'result',
      requestId,
      ok: false,
      error: { code: 'tool_error', message: 'disk full', retryable: false },
    })
    expect(await first).toMatchObject({ value: { data: 1 } })
    expect(await parts.next()).toMatchObject({ value: { data: 2 } })
    await expect(parts.next()).rejects.toMatchObject({ code: 'tool_error', message: 'disk full' })
    expect(await parts.next()).toEqual({ done: true, value: undefined })
  })

  it('yields just the result where the server sends no parts', async () => {
    const parts = collect(client.callStreaming({ toolkitId: 'demo', tool: 'count' }))
    const { requestId } = await peer.next('call')
    peer.send({ type: 'result', requestId, ok: true, result: 3 })
    expect(await parts).toEqual([{ type: 'result', tool: 'count', result: 3 }])
  })

  it('sends nothing before it is iterated', async () => {
    const parts = client.callStreaming({ toolkitId: 'demo', tool: 'count' })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(peer.types).toEqual(['hello', 'call'])
    expect(await parts.return?.()).toEqual({ done: true, value: undefined })
    expect(await parts.next()).toEqual({ done: true, value: undefined })
    expect(peer.types).toEqual(['hello', 'call'])
  })

  it('cancels the call when the iteration is left, and when the stream is disposed of', async () => {
    const leave = async (): Promise<void> => {
      for await (const part of client.callStreaming({ toolkitId: 'demo', tool: 'count' })) {
        expect(part).toMatchObject({ type: 'progress' })
        break
      }
    }
    const dispose = async (): Promise<void> => {
      await using parts = client.callStreaming({ toolkitId: 'demo', tool: 'count' })
      await parts.next()
    }
    for (const read of [leave, dispose]) {
      const reading = read()
      const { requestId } = await peer.next('call')
      peer.send({ type: 'progress', requestId, progress: 1 })
      await reading
      expect(await peer.next('cancel')).toEqual({ type: 'cancel', requestId, reason: 'its reader stopped' })
    }
  })

  it('is ended while its reader waits, too', async () => {
    const parts = client.callStreaming({ toolkitId: 'demo', tool: 'count' })
    const waiting = parts.next()
    await peer.next('call')
    await parts.return?.()
    expect(await waiting).toEqual({ done: true, value: undefined })
    await peer.next('cancel')
  })

  it('is cancelled by the signal of its caller', async () => {
    const abort = new AbortController()
    const parts = collect(client.callStreaming({ toolkitId: 'demo', tool: 'count', signal: abort.signal }))
    const { requestId } = await peer.next('call')
    abort.abort('the user left')
    await expect(parts).rejects.toMatchObject({ code: 'cancelled', message: expect.stringContaining('the user left') })
    expect(await peer.next('cancel')).toEqual({ type: 'cancel', requestId, reason: 'the user left' })
  })

  it('fails with the connection, and with a request that is wrong', async () => {
    const parts = collect(client.callStreaming({ toolkitId: 'demo', tool: 'count' }))
    await peer.next('call')
    peer.raw.terminate()
    await expect(parts).rejects.toMatchObject({ code: 'connection_closed' })
    const wrong = { toolkitId: 'demo', tool: 'count', detach: true }
    await expect(collect(client.callStreaming(wrong))).rejects.toMatchObject({ code: 'invalid_request' })
  })

  it('gives a part that cannot be read the call up for, here and there', async () => {
    const parts = collect(client.callStreaming({ toolkitId: 'demo', tool: 'count' }))
    const { requestId } = await peer.next('call')
    peer.raw.send(JSON.stringify({ type: 'chunk', request_id: requestId, sequence: -1, data: 1 }))
    await expect(parts).rejects.toMatchObject({ code: 'protocol_error' })
    expect(await peer.next('cancel')).toMatchObject({ requestId })
  })

  it('passes over what comes after the result', async () => {
    const parts = collect(client.callStreaming({ toolkitId: 'demo', tool: 'count' }))
    const { requestId } = await peer.next('call')
    peer.send({ type: 'result', requestId, ok: true, result: 1 })
    peer.send({ type: 'progress', requestId, progress: 1 })
    peer.send({ type: 'chunk', requestId, sequence: 7, data: 1 })
    expect(await parts).toHaveLength(1)
  })
})

describe('the chunks of a call', () => {
  it('fail it when one is missing', async () => {
    const parts = collect(client.callStreaming({ toolkitId: 'demo', tool: 'count' }))
    const { requestId } = await peer.next('call')
    peer.send({ type: 'chunk', requestId, sequence: 0, data: 1 })
    peer.send({ type: 'chunk', requestId, sequence: 2, data: 3 })
    await expect(parts).rejects.toMatchObject({
      code: 'protocol_error',
      message: 'Tool "count": chunk 1 is missing; chunk 2 came instead',
    })
    expect(await peer.next('cancel')).toMatchObject({ requestId })
  })

  it('that come twice are read once', async () => {
    const parts = collect(client.callStreaming({ toolkitId: 'demo', tool: 'count' }))
    const { requestId } = await peer.next('call')
    for (const sequence of [0, 1, 0, 1, 2]) peer.send({ type: 'chunk', requestId, sequence, data: sequence })
    peer.send({ type: 'result', requestId, ok: true, result: 1 })
    expect((await parts).map((part) => part.type === 'chunk' && part.data)).toEqual([0, 1, 2, false])
  })

  it('fail it when 4 MiB of them wait for their reader; progress is left out before', async () => {
    const parts = client.callStreaming({ toolkitId: 'demo', tool: 'count' })
    const first = parts.next()
    const { requestId } = await peer.next('call')
    peer.send({ type: 'progress', requestId, progress: 'read at once' })
    await first
    const megabyte = 'x'.repeat(1_000_000)
    for (let sequence = 0; sequence < 4; sequence += 1) {
      peer.send({ type: 'progress', requestId, progress: 'y'.repeat(100_000) })
      peer.send({ type: 'chunk', requestId, sequence, data: megabyte })
    }
    peer.send({ type: 'progress', requestId, progress: 'y'.repeat(200_000) })
    await vi.advanceTimersByTimeAsync(0)
    peer.send({ type: 'chunk', requestId, sequence: 4, data: megabyte })
    expect(await peer.next('cancel')).toMatchObject({ requestId })
    const read: string[] = []
    const reading = async (): Promise<void> => {
      for await (const part of parts) read.push(part.type)
    }
    await expect(reading()).rejects.toMatchObject({
      code: 'result_too_large',
      message: `Tool "count": its chunks are not read fast enough; ${maxUnreadLength} characters wait`,
    })
    expect(read).toEqual(['chunk', 'chunk', 'chunk', 'chunk'])
  })
})

describe('callToolStreaming', () => {
  it('lets the parts of several calls interleave, and ends each in its message', async () => {
    const parts = collect(streamTools())
    const [a, b] = await peer.take(2, 'call')
    if (!a || !b) throw new Error('two calls expected')
    expect([a, b]).toMatchObject([
      { tool: 'a', params: { of: 'a' }, stream: true, provider: 'anthropic' },
      { tool: 'b', stream: true },
    ])
    peer.send({ type: 'chunk', requestId: a.requestId, sequence: 0, data: 'a0' })
    peer.send({ type: 'chunk', requestId: b.requestId, sequence: 0, data: 'b0' })
    peer.send({ type: 'progress', requestId: a.requestId, progress: 1 })
    const error = { code: 'tool_error', message: 'no', retryable: false } as const
    peer.send({ type: 'result', requestId: b.requestId, callId: 'cb', ok: false, error })
    peer.send({ type: 'result', requestId: a.requestId, callId: 'ca', ok: true, result: 'done' })
    const ofB = { type: 'tool_result', tool_use_id: 'b', content: '{"error":"no"}', is_error: true }
    const ofA = { type: 'tool_result', tool_use_id: 'a', content: '"done"' }
    expect(await parts).toEqual([
      { type: 'chunk', toolCallId: 'a', tool: 'a', sequence: 0, data: 'a0' },
      { type: 'chunk', toolCallId: 'b', tool: 'b', sequence: 0, data: 'b0' },
      { type: 'progress', toolCallId: 'a', tool: 'a', progress: 1 },
      {
        type: 'result',
        callId: 'cb',
        toolCallId: 'b',
        tool: 'b',
        outcome: { ok: false, error },
        message: { role: 'user', content: [ofB] },
      },
      {
        type: 'result',
        callId: 'ca',
        toolCallId: 'a',
        tool: 'a',
        outcome: { ok: true, result: 'done' },
        message: { role: 'user', content: [ofA] },
        messages: [{ role: 'user', content: [ofA, ofB] }],
      },
    ])
  })

  it('runs one call after the other when asked to', async () => {
    const parts = collect(streamTools({ sequential: true }))
    const a = await peer.next('call')
    peer.send({ type: 'chunk', requestId: a.requestId, sequence: 0, data: 1 })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(peer.types).toEqual(['hello', 'call', 'call'])
    peer.send({ type: 'result', requestId: a.requestId, ok: true, result: 1 })
    const b = await peer.next('call')
    peer.send({ type: 'result', requestId: b.requestId, ok: true, result: 2 })
    expect((await parts).map(({ type, toolCallId }) => `${toolCallId} ${type}`)).toEqual([
      'a chunk',
      'a result',
      'b result',
    ])
  })

  it('gives a call up for its chunks without harm to the others', async () => {
    const parts = collect(streamTools())
    const [a, b] = await peer.take(2, 'call')
    peer.send({ type: 'chunk', requestId: a?.requestId ?? '', sequence: 1, data: 'first of them' })
    expect(await peer.next('cancel')).toMatchObject({ requestId: a?.requestId })
    peer.send({ type: 'result', requestId: b?.requestId ?? '', ok: true, result: 2 })
    expect(await parts).toMatchObject([
      { type: 'result', toolCallId: 'a', outcome: { ok: false, error: { code: 'protocol_error' } } },
      { type: 'result', toolCallId: 'b', outcome: { ok: true, result: 2 } },
    ])
  })

  it('tells the model of arguments that cannot be read, and yields nothing for no calls', async () => {
    const toolCalls = [{ type: 'tool_use', id: 'a', name: 'f', input: '{"n":' }]
    expect(await collect(streamTools({ toolCalls }))).toMatchObject([
      { type: 'result', toolCallId: 'a', outcome: { ok: false, error: { code: 'invalid_params' } } },
    ])
    expect(await collect(streamTools({ toolCalls: [] }))).toEqual([])
    expect(peer.types).toEqual(['hello', 'call'])
  })

  it('yields the result of jsonResponse as callTool returns it', async () => {
    const jsonResponse = '{"function": "hello", "parameters": {}}'
    const outcomes = [
      { ok: true, result: 'Hi' },
      { ok: false, error: { code: 'tool_error', message: 'no voice', retryable: false } },
    ] as const
    const results: unknown[] = []
    for (const outcome of outcomes) {
      const parts = collect(client.callToolStreaming({ toolkitId: 'demo', jsonResponse }))
      const { requestId } = await peer.next('call')
      peer.send({ type: 'result', requestId, ...outcome })
      for (const part of await parts) {
        expect(part).toMatchObject({ type: 'result', tool: 'hello' })
        if (part.type === 'result') results.push(part.result)
      }
    }
    expect(results).toEqual(['Hi', { error: 'no voice' }])
  })

  it('cancels every call when it is left', async () => {
    const parts: AsyncIterator<ToolCallPart> = streamTools()
    const first = parts.next()
    const calls = await peer.take(2, 'call')
    peer.send({ type: 'progress', requestId: calls[0]?.requestId ?? '', progress: 1 })
    await first
    await parts.return?.()
    const cancelled = await peer.take(2, 'cancel')
    expect(cancelled.map(({ requestId }) => requestId)).toEqual(calls.map(({ requestId }) => requestId))
  })

  it('gives up what it asks for before the calls when it is left', async () => {
    const parts = client.callToolStreaming({ toolkits: ['demo'], provider: 'anthropic', toolCalls: two })
    const first = parts.next()
    const { requestId } = await peer.next('context')
    await parts.return?.()
    expect(await first).toEqual({ done: true, value: undefined })
    expect(await peer.next('cancel')).toMatchObject({ requestId })
  })

  it('cancels the others when no call can run at all', async () => {
    const parts = collect(streamTools())
    const [a, b] = await peer.take(2, 'call')
    const error = { code: 'forbidden', message: 'not with this key', retryable: false } as const
    peer.send({ type: 'result', requestId: a?.requestId ?? '', ok: false, error })
    await expect(parts).rejects.toMatchObject({ code: 'forbidden' })
    expect(await peer.next('cancel')).toMatchObject({ requestId: b?.requestId })
  })

  it.each([
    [{ toolCalls: undefined }, 'invalid_request'],
    [{ provider: 'parrot' }, 'unknown_provider'],
    [{ timeoutMs: 0 }, 'invalid_request'],
    [{ detach: true }, 'invalid_request'],
    [{ toolkits: ['a'] }, 'invalid_request'],
  ])('throws for %j when it is iterated', async (more, code) => {
    await expect(collect(streamTools(more))).rejects.toMatchObject({ code })
    expect(peer.types).toEqual(['hello', 'call'])
  })
})
