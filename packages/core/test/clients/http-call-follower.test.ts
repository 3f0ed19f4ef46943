import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type CallPart, LLMClient, type LLMClientOptions } from '../../src/clients/llm-client.ts'
import { type AskedHttp, type EventServer, eventText, startEventServer, taskAnswer } from './event-server.ts'

let server: EventServer
let client: LLMClient

beforeEach(async () => {
  server = await startEventServer()
  client = makeClient()
})
afterEach(async () => {
  vi.useRealTimers()
  await client.close()
  await server.stop()
})

function makeClient(options: Partial<LLMClientOptions> = {}): LLMClient {
  const { baseUrl } = server
  return new LLMClient({ apiKey: 'atp_llm_key', baseUrl, protocol: 'http', backoff: { baseMs: 1 }, ...options })
}

const stream = (more: object = {}) => client.callStreaming({ toolkitId: 'demo', tool: 'count', ...more })

async function collect(parts: AsyncIterable<CallPart>): Promise<CallPart[]> {
  const all: CallPart[] = []
  for await (const part of parts) all.push(part)
  return all
}

/** Every event of a call, in order. */
const events = [
  eventText(1, 'call', { call_id: 'c1' }),
  eventText(2, 'progress', { progress: 0.5 }),
  eventText(3, 'chunk', { sequence: 0, data: 'ä' }),
  eventText(4, 'chunk', { sequence: 1, data: ['b'] }),
  eventText(5, 'progress', { progress: 1 }),
  eventText(6, 'chunk', { sequence: 2, data: null }),
  eventText(7, 'answer', taskAnswer({ count: 3 })),
]
const parts = [
  { type: 'progress', callId: 'c1', tool: 'count', progress: 0.5 },
  { type: 'chunk', callId: 'c1', tool: 'count', sequence: 0, data: 'ä' },
  { type: 'chunk', callId: 'c1', tool: 'count', sequence: 1, data: ['b'] },
  { type: 'progress', callId: 'c1', tool: 'count', progress: 1 },
  { type: 'chunk', callId: 'c1', tool: 'count', sequence: 2, data: null },
  { type: 'result', callId: 'c1', tool: 'count', result: { count: 3 } },
]

/** The next request, which must go on with the events of the call. */
async function nextResume(lastEventId: number): Promise<AskedHttp> {
  const asked = await server.asked.next()
  expect([asked.method, asked.path]).toEqual(['GET', '/api/v2/llm/calls/c1/events'])
  expect(asked.headers).toMatchObject({
    authorization: 'Bearer atp_llm_key',
    accept: 'text/event-stream',
    'last-event-id': String(lastEventId),
  })
  return asked
}

/** The next request, which must say that nobody wants the call any more. */
async function cancelled(): Promise<void> {
  const asked = await server.asked.next()
  expect([asked.method, asked.path]).toEqual(['POST', '/api/v2/llm/calls/c1/cancel'])
  expect(asked.headers.authorization).toBe('Bearer atp_llm_key')
  asked.json(200, {})
}

async function sendThenCut(asked: AskedHttp, text: string): Promise<void> {
  await asked.stream(text)
  asked.cut()
}

describe('a call that is streamed over HTTP', () => {
  it('asks for events, and yields what they tell', async () => {
    const reading = collect(stream({ params: { to: 3 }, timeoutMs: 5_000 }))
    const asked = await server.asked.next()
    expect([asked.method, asked.path]).toEqual(['POST', '/api/v1/atp/llm-client/process/'])
    expect(asked.headers.accept).toBe('text/event-stream, application/vnd.atp+json')
    expect(asked.body).toMatchObject({ type: 'task_request', toolkit_id: 'demo', timeout_ms: 5_000 })
    await asked.stream(': heartbeat\n\n')
    for (const event of events) await asked.stream(event)
    asked.end()
    expect(await reading).toEqual(parts)
  })

  it('yields each part as soon as it arrives', async () => {
    const reading = stream()
    const first = reading.next()
    const asked = await server.asked.next()
    await asked.stream(events.slice(0, 2).join(''))
    expect(await first).toEqual({ done: false, value: parts[0] })
    await asked.stream(events.slice(2).join(''))
    expect(await collect(reading)).toEqual(parts.slice(1))
  })

  it('passes over events that it does not know', async () => {
    const reading = collect(stream())
    const asked = await server.asked.next()
    await asked.stream(`${events[0]}id: 2\nevent: weather\ndata: sunny\n\n${eventText(3, 'answer', taskAnswer(1))}`)
    expect(await reading).toMatchObject([{ type: 'result', result: 1 }])
  })

  it('throws what it failed with', async () => {
    const reading = collect(stream())
    const error = { code: 'toolkit_offline', message: 'Nobody there', retryable: true }
    await (await server.asked.next()).stream(eventText(1, 'answer', taskAnswer({ error: 'Nobody there' }, error)))
    await expect(reading).rejects.toMatchObject(error)
  })

  it.each([
    [401, 'unauthorized'],
    [409, 'idempotency_in_progress'],
    [422, 'idempotency_mismatch'],
    [429, 'busy'],
  ])('throws what its status %i says', async (status, code) => {
    const reading = collect(stream())
    ;(await server.asked.next()).json(status, { error: 'so it is', code })
    await expect(reading).rejects.toMatchObject({ code, message: 'so it is' })
  })

  it('fails when a chunk is missing, even if the answer comes at once', async () => {
    const reading = collect(stream())
    await (await server.asked.next()).stream([events[0], events[3], events[6]].join(''))
    await expect(reading).rejects.toMatchObject({ code: 'protocol_error', message: expect.stringContaining('chunk 0') })
  })

  it.each(['{"sequence":"first","data":1}', '{"data":1}', '{', '5'])('fails at a chunk that is %s', async (data) => {
    const reading = collect(stream())
    const asked = await server.asked.next()
    await asked.stream(`${events[0]}event: chunk\nid: 2\ndata: ${data}\n\n`)
    await expect(reading).rejects.toMatchObject({ code: 'protocol_error' })
    await cancelled()
  })
})

describe('a founding server', () => {
  it.each([
    ['data: {"status":"working"}\n\n', '\n\n'],
    ['data: {"status":"working"}\n', '\n'],
    ['', ''],
    ['event: message\n', '\n\n'],
  ])('sends its answer as the last line of data (%j)', async (before, after) => {
    const reading = collect(stream())
    const asked = await server.asked.next()
    await asked.stream(`${before}data: ${JSON.stringify(taskAnswer(3))}${after}`)
    asked.end()
    expect(await reading).toEqual([{ type: 'result', tool: 'count', result: 3 }])
  })

  it('may answer with JSON alone', async () => {
    const reading = collect(stream())
    ;(await server.asked.next()).json(200, taskAnswer(3))
    expect(await reading).toEqual([{ type: 'result', tool: 'count', result: 3 }])
  })

  it.each(['', 'data: {"status":"working"}\n\n', ': nothing\n\n'])(
    'that ends with %j has lost the call',
    async (text) => {
      const reading = collect(stream())
      const asked = await server.asked.next()
      await asked.stream(text)
      asked.end()
      const code = text.startsWith('data') ? 'protocol_error' : 'connection_closed'
      await expect(reading).rejects.toMatchObject({ code })
    },
  )

  it('is not asked for the events of a call whose connection is lost', async () => {
    const reading = collect(stream())
    await sendThenCut(await server.asked.next(), 'data: {"status":"working"}\n\n')
    await expect(reading).rejects.toMatchObject({ code: 'connection_failed' })
    expect(server.asked.all).toHaveLength(1)
  })
})

describe('a connection that is lost', () => {
  it.each([1, 2, 3, 4, 5, 6])('after %i events is taken up again, without a part missing or twice', async (count) => {
    const reading = collect(stream())
    await sendThenCut(await server.asked.next(), events.slice(0, count).join(''))
    const resumed = await nextResume(count)
    await resumed.stream(events.slice(count).join(''))
    resumed.end()
    expect(await reading).toEqual(parts)
  })

  it('after every single event is taken up again each time', async () => {
    const reading = collect(stream())
    await sendThenCut(await server.asked.next(), events[0] ?? '')
    for (const [index, event] of events.entries()) {
      if (index > 0) await sendThenCut(await nextResume(index), event)
    }
    expect(await reading).toEqual(parts)
  })

  it('in the middle of an event is taken up with that event', async () => {
    const reading = collect(stream())
    let asked = await server.asked.next()
    for (let index = 0; index < events.length - 1; index += 1) {
      const half = Math.floor((events[index + 1]?.length ?? 0) / 2)
      await sendThenCut(asked, `${events[index]}${events[index + 1]?.slice(0, half)}`)
      asked = await nextResume(index + 1)
    }
    await asked.stream(events.at(-1) ?? '')
    expect(await reading).toEqual(parts)
  })

  it('is taken up with a server that sends some events again', async () => {
    const reading = collect(stream())
    await sendThenCut(await server.asked.next(), events.slice(0, 5).join(''))
    await (await nextResume(5)).stream(events.slice(1).join(''))
    expect(await reading).toEqual(parts)
  })

  it('is taken up after a proper end, too', async () => {
    const reading = collect(stream())
    const asked = await server.asked.next()
    await asked.stream(`${events[0]}data: {"no":"answer"}\n\n`)
    asked.end()
    await (await nextResume(1)).stream(events.slice(1).join(''))
    expect(await reading).toEqual(parts)
  })

  it('is taken up as often as it is lost, while something arrives in between', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const reading = collect(stream())
    await sendThenCut(await server.asked.next(), events[0] ?? '')
    for (const [index, event] of events.entries()) {
      if (index === 0) continue
      const asked = await nextResume(index)
      vi.advanceTimersByTime(20_000)
      await sendThenCut(asked, event)
    }
    expect(await reading).toEqual(parts)
  })

  it('is taken up when the server is back', async () => {
    const reading = collect(stream())
    await sendThenCut(await server.asked.next(), events.slice(0, 3).join(''))
    for (const status of [502, 503]) (await nextResume(3)).json(status, {})
    ;(await nextResume(3)).cut()
    const limited = await nextResume(3)
    limited.json(429, { error: 'slowly', code: 'rate_limited' }, { 'retry-after': '0' })
    await (await nextResume(3)).stream(events.slice(3).join(''))
    expect(await reading).toEqual(parts)
  })

  it('that is silent for longer than a heartbeat takes is as good as lost', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
    const reading = stream()
    const first = reading.next()
    const asked = await server.asked.next()
    await asked.stream(events.slice(0, 2).join(''))
    await first
    vi.advanceTimersByTime(30_000)
    await asked.stream(events[2] ?? '')
    expect(await reading.next()).toMatchObject({ value: parts[1] })
    vi.advanceTimersByTime(30_000)
    expect(server.asked.all).toHaveLength(1)
    vi.advanceTimersByTime(15_000)
    await asked.gone
    await (await nextResume(3)).stream(events.slice(3).join(''))
    expect(await collect(reading)).toEqual(parts.slice(2))
  })

  it('is not taken up with a key that is refused', async () => {
    const reading = collect(stream())
    await sendThenCut(await server.asked.next(), events[0] ?? '')
    ;(await nextResume(1)).json(401, { error: 'revoked', code: 'unauthorized' })
    await expect(reading).rejects.toMatchObject({ code: 'unauthorized', message: 'revoked' })
  })
})

describe('events that are gone', () => {
  const ask = async (): Promise<{ reading: Promise<CallPart[]>; asked: AskedHttp }> => {
    const reading = collect(stream())
    // Whatever becomes of it, somebody waits.
    reading.catch(() => {})
    await sendThenCut(await server.asked.next(), events[0] ?? '')
    ;(await nextResume(1)).json(410, { error: 'too long ago', code: 'gone' })
    return { reading, asked: await server.asked.next() }
  }
  const state = (more: object) => ({ call_id: 'c1', tool: 'count', started_at: 1, ...more })

  it('leave the outcome to be asked for', async () => {
    const { reading, asked } = await ask()
    expect([asked.method, asked.path]).toEqual(['GET', '/api/v2/llm/calls/c1?wait_ms=25000'])
    asked.json(200, state({ status: 'running' }))
    ;(await server.asked.next()).json(200, state({ status: 'succeeded', result: 3 }))
    expect(await reading).toEqual([{ type: 'result', callId: 'c1', tool: 'count', result: 3 }])
  })

  it('leave the error to be asked for', async () => {
    const { reading, asked } = await ask()
    const error = { code: 'tool_error', message: 'no paper', retryable: false }
    asked.json(200, state({ status: 'failed', error }))
    await expect(reading).rejects.toMatchObject(error)
  })

  it('make the outcome unknown where the server cannot say', async () => {
    const { reading, asked } = await ask()
    asked.json(404, { error: 'There is no such call', code: 'not_found' })
    await expect(reading).rejects.toMatchObject({ code: 'outcome_unknown', message: expect.stringContaining('c1') })
  })
})

describe('a call that nobody wants any more', () => {
  it('is cancelled when the iteration is left', async () => {
    const reading = stream()
    const first = reading.next()
    const asked = await server.asked.next()
    await asked.stream(events.slice(0, 2).join(''))
    await first
    await reading.return?.()
    await asked.gone
    await cancelled()
  })

  it('is cancelled by the signal of its caller', async () => {
    const abort = new AbortController()
    const reading = stream({ signal: abort.signal })
    const first = reading.next()
    await (await server.asked.next()).stream(events.slice(0, 2).join(''))
    await first
    abort.abort('the user left')
    await expect(reading.next()).rejects.toMatchObject({ code: 'cancelled' })
    await cancelled()
  })

  it('is cancelled while its connection is lost, too', async () => {
    const abort = new AbortController()
    const reading = collect(stream({ signal: abort.signal }))
    await sendThenCut(await server.asked.next(), events[0] ?? '')
    const resumed = await nextResume(1)
    abort.abort()
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' })
    await resumed.gone
    await cancelled()
  })

  it('is cancelled when its time is over', async () => {
    const time = new AbortController()
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockImplementationOnce(() => time.signal)
    const reading = stream({ timeoutMs: 10.5 })
    const first = reading.next()
    await (await server.asked.next()).stream(events.slice(0, 2).join(''))
    await first
    // The server has five seconds to say so itself.
    expect(timeout).toHaveBeenCalledWith(5_011)
    timeout.mockRestore()
    time.abort()
    await expect(reading.next()).rejects.toMatchObject({ code: 'deadline_exceeded' })
    await cancelled()
  })

  it('is cancelled by the end of the client, which waits for that', async () => {
    const reading = stream()
    const first = reading.next()
    const asked = await server.asked.next()
    await asked.stream(events.slice(0, 2).join(''))
    await first
    let isClosed = false
    const closing = client.close().then(() => {
      isClosed = true
    })
    const cancel = await server.asked.next()
    expect(cancel.path).toBe('/api/v2/llm/calls/c1/cancel')
    await new Promise((resolve) => setImmediate(resolve))
    expect(isClosed).toBe(false)
    cancel.json(200, {})
    await closing
    await expect(reading.next()).rejects.toMatchObject({ code: 'client_stopped' })
  })
})
