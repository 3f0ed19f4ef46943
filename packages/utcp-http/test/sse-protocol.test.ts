import type { CallTemplate, CommunicationProtocol } from '@atp/utcp'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { sse } from '../src/index.ts'
import { call, callContext, caller, stream } from './support/calls.ts'
import { failureOf } from './support/failure.ts'
import { type Answer, json, type Site, startSite } from './support/site.ts'

let site: Site
let protocol: CommunicationProtocol
let answer: Answer

beforeEach(async () => {
  site = await startSite((request, response) => answer(request, response))
  protocol = sse()()
})

afterEach(async () => {
  vi.useRealTimers()
  await protocol.close()
  await site[Symbol.asyncDispose]()
})

const template = (changes: Partial<CallTemplate> = {}): CallTemplate => ({
  ...{ call_template_type: 'sse', url: `${site.origin}/events` },
  ...changes,
})

/** Answers in turn; all but the last break off after their text. */
function answerInTurn(...texts: string[]): void {
  answer = (_, response) => {
    const text = texts.shift() ?? ''
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    if (texts.length === 0) return response.end(text)
    // Written out first: what breaks off at once may never arrive.
    return response.write(text, () => setImmediate(() => response.destroy()))
  }
}

describe('a call', () => {
  it('gives the payloads of all events: JSON where it is, else texts', async () => {
    answerInTurn('data: {"a":1}\n\ndata: [DONE]\n\nevent: x\ndata: 5\n\n')
    expect(await call(protocol, template(), { q: 'x' })).toEqual([{ a: 1 }, '[DONE]', 5])
    expect(site.seen[0]).toMatchObject({ method: 'GET', url: '/events?q=x', body: '' })
    expect(site.seen[0]?.headers.accept).toBe('text/event-stream')
  })

  it('is a POST with its body', async () => {
    answerInTurn('data: 1\n\n')
    await call(protocol, template({ body_field: 'prompt' }), { prompt: { text: 'hi' } })
    expect(site.seen[0]).toMatchObject({ method: 'POST', body: '{"text":"hi"}' })
    expect(site.seen[0]?.headers['content-type']).toBe('application/json')
  })

  it.each([
    ['message', [1, 4]],
    ['note', [2]],
    ['nothing', []],
  ])('keeps the events of type %s', async (event_type, expected) => {
    answerInTurn('data: 1\n\nevent: note\ndata: 2\n\nevent: end\ndata: 3\n\nevent: message\ndata: 4\n\n')
    expect(await stream(protocol, template({ event_type }))).toEqual(expected)
  })

  it('is refused beyond its size, all events together', async () => {
    answerInTurn('data: 12345678\n\ndata: 12345678\n\n')
    const error = await failureOf(call(protocol, template(), {}, { maxResponseBytes: 15 }))
    expect(error.code).toBe('response_too_large')
  })

  it('fails with the status and body of the answer', async () => {
    answer = (_, response) => json(response, { message: 'not today' }, 403)
    expect(await failureOf(call(protocol, template()))).toMatchObject({ code: 'http_error', status: 403 })
    expect(site.seen).toHaveLength(1)
  })

  it('fails for another type', async () => {
    answer = (_, response) => json(response, { not: 'events' })
    expect(await failureOf(call(protocol, template()))).toMatchObject({ code: 'invalid_response' })
  })

  it('has no events where the server has no content', async () => {
    answer = (_, response) => response.writeHead(204).end()
    expect(await call(protocol, template())).toEqual([])
  })
})

describe('a stream', () => {
  it('yields each event as it arrives', async () => {
    let next = (_: string): void => {}
    answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      next = (text) => response.write(text)
      next('data: 1\n\n')
    }
    const events = protocol.callToolStreaming(caller, 'm.t', {}, template(), callContext(template()))
    const iterator = events[Symbol.asyncIterator]()
    expect(await iterator.next()).toEqual({ done: false, value: 1 })
    next('data: 2\n\n')
    expect(await iterator.next()).toEqual({ done: false, value: 2 })
    await iterator.return?.()
  })

  it('sends nothing before it is asked for, and ends at the server when it is left', async () => {
    let closed: Promise<void> | undefined
    answer = (_, response) => {
      closed = new Promise((resolve) => response.once('close', () => resolve()))
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
    }
    const events = protocol.callToolStreaming(caller, 'm.t', {}, template(), callContext(template()))
    expect(site.seen).toEqual([])
    for await (const event of events) {
      expect(event).toBe(1)
      break
    }
    await closed
    expect(site.seen).toHaveLength(1)
  })

  it('that breaks off goes on after its last event', async () => {
    answerInTurn('retry: 5\nid: größe 7\ndata: 1\n\nid: lost\ndata: 2', 'data: 3\n\n')
    const logged: unknown[] = []
    const log = (event: string, fields?: unknown): void => void logged.push(event, fields)
    const logging = { rootDir: undefined, logger: { debug: log, info: log, warn: log, error: log } }
    const secret = { auth_type: 'api_key', api_key: 'hidden', var_name: 'key', location: 'query' }
    const called = protocol.callTool(
      logging,
      'm.t',
      { q: 'hidden' },
      template({ auth: secret }),
      callContext(template()),
    )
    expect(await called).toEqual([1, 3])
    expect(logged).toEqual(['utcp.stream_reconnects', { tool: 'm.t', attempt: 1 }])
    const [first, second] = site.seen.map(({ headers }) => headers['last-event-id'])
    expect(first).toBeUndefined()
    expect(Buffer.from(String(second), 'latin1').toString('utf8')).toBe('größe 7')
  })

  it.each([
    ['by POST', { body_field: 'b' }, { b: 1 }],
    ['that shall not reconnect', { reconnect: false }, {}],
  ])('%s is not asked for again', async (_, changes, args) => {
    answerInTurn('retry: 5\nid: 1\ndata: 1\n\n', 'data: 2\n\n')
    const error = await failureOf(stream(protocol, template(changes), args))
    expect(error).toMatchObject({ code: 'upstream_failed' })
    expect(site.seen).toHaveLength(1)
  })

  it('may last longer than the time in which it must begin', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    let next = (_: string): void => {}
    answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      next = (text) => response.write(text)
      next('data: 1\n\n')
    }
    const context = callContext(template(), { timeoutMs: undefined })
    const iterator = protocol.callToolStreaming(caller, 'm.t', {}, template(), context)[Symbol.asyncIterator]()
    expect(await iterator.next()).toEqual({ done: false, value: 1 })
    await vi.advanceTimersByTimeAsync(31_000)
    next('data: 2\n\n')
    expect(await iterator.next()).toEqual({ done: false, value: 2 })
    await iterator.return?.()
  })

  it('that does not begin within half a minute fails', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    answer = () => undefined
    const failed = failureOf(stream(protocol, template()))
    await vi.waitFor(() => expect(site.seen).toHaveLength(1))
    await vi.advanceTimersByTimeAsync(30_000)
    expect(await failed).toMatchObject({ code: 'timeout', message: expect.stringContaining('30000 ms') })
  })
})

it('a call may be repeated when it has no body', () => {
  expect(protocol.isIdempotent?.(template())).toBe(true)
  expect(protocol.isIdempotent?.(template({ body_field: 'b' }))).toBe(false)
})
