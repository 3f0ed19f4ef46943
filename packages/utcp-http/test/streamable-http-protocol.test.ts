import type { CallTemplate, CommunicationProtocol } from '@atp/utcp'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { streamableHttp } from '../src/index.ts'
import { call, callContext, caller, stream } from './support/calls.ts'
import { failureOf } from './support/failure.ts'
import { type Answer, type Site, startSite } from './support/site.ts'

let site: Site
let protocol: CommunicationProtocol
let answer: Answer

beforeEach(async () => {
  site = await startSite((request, response) => answer(request, response))
  protocol = streamableHttp()()
})

afterEach(async () => {
  vi.useRealTimers()
  await protocol.close()
  await site[Symbol.asyncDispose]()
})

const template = (changes: Partial<CallTemplate> = {}): CallTemplate => ({
  ...{ call_template_type: 'streamable_http', url: `${site.origin}/stream` },
  ...changes,
})

function answerWith(body: string | Uint8Array, contentType: string, status = 200): void {
  answer = (_, response) => response.writeHead(status, { 'content-type': contentType }).end(body)
}

describe('an answer', () => {
  it('of bytes is cut into pieces of the chunk size, and whole to a call', async () => {
    const bytes = Uint8Array.from({ length: 10_000 }, (_, index) => index % 256)
    answerWith(bytes, 'application/octet-stream')
    const pieces = (await stream(protocol, template())) as Uint8Array[]
    expect(pieces.map(({ length }) => length)).toEqual([4_096, 4_096, 1_808])
    expect(await call(protocol, template())).toEqual(bytes)
    const small = (await stream(protocol, template({ chunk_size: 3_000 }))) as Uint8Array[]
    expect(small.map(({ length }) => length)).toEqual([3_000, 3_000, 3_000, 1_000])
  })

  it('of NDJSON is a list of its values', async () => {
    answerWith('{"a":1}\n\n{"a":2}', 'application/x-ndjson')
    expect(await stream(protocol, template())).toEqual([{ a: 1 }, { a: 2 }])
    expect(await call(protocol, template())).toEqual([{ a: 1 }, { a: 2 }])
  })

  it('of JSON is a list of one', async () => {
    answerWith('{"a":1}', 'application/json')
    expect(await stream(protocol, template())).toEqual([{ a: 1 }])
    expect(await call(protocol, template())).toEqual([{ a: 1 }])
  })

  it('without content is empty', async () => {
    answerWith('', 'application/json', 204)
    expect(await stream(protocol, template())).toEqual([])
    expect(await call(protocol, template())).toEqual([])
  })

  it('of status 400 and above is an error with what it says', async () => {
    answerWith('{"detail":"bad"}', 'application/json', 422)
    expect(await failureOf(stream(protocol, template()))).toMatchObject({ status: 422, body: { detail: 'bad' } })
  })
})

describe('a request', () => {
  it('is a POST with its body, as bytes unless its type says otherwise', async () => {
    answerWith('', 'application/octet-stream')
    const post = template({ http_method: 'POST', body_field: 'data' })
    await call(protocol, post, { data: 'text', q: 1 })
    await call(protocol, { ...post, content_type: 'application/json' }, { data: 'text' })
    expect(site.seen.map(({ body, url }) => [body, url])).toEqual([
      ['text', '/stream?q=1'],
      ['"text"', '/stream'],
    ])
    expect(site.seen.map(({ headers }) => headers['content-type'])).toEqual([
      ...['application/octet-stream', 'application/json'],
    ])
  })

  it('by GET has no body: an argument for it is an error before anything is sent', async () => {
    const get = template({ body_field: 'data' })
    for (const reached of [call(protocol, get, { data: 'x' }), stream(protocol, get, { data: 'x' })]) {
      expect(await failureOf(reached)).toMatchObject({ code: 'invalid_arguments', path: 'data' })
    }
    expect(site.seen).toEqual([])
    answerWith('[]', 'application/json')
    expect(await call(protocol, get)).toEqual([[]])
  })
})

describe('the timeout of a template', () => {
  it('covers the wait for an answer', async () => {
    answer = () => undefined
    for (const reached of [call(protocol, template({ timeout: 50 })), stream(protocol, template({ timeout: 50 }))]) {
      expect(await failureOf(reached)).toMatchObject({ code: 'timeout', message: expect.stringContaining('50 ms') })
    }
  })

  it('covers the answer until its end', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    answer = (_, response) => response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write('1\n')
    const pieces = protocol.callToolStreaming(caller, 'm.t', {}, template(), callContext(template()))
    const iterator = pieces[Symbol.asyncIterator]()
    expect(await iterator.next()).toEqual({ done: false, value: 1 })
    const failed = failureOf(iterator.next())
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await failed).toMatchObject({ code: 'timeout', message: expect.stringContaining('60000 ms') })
  })
})

it('a stream that is left ends at the server', async () => {
  let closed: Promise<void> | undefined
  answer = (_, response) => {
    closed = new Promise((resolve) => response.once('close', () => resolve()))
    response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write('1\n2\n')
  }
  for await (const piece of protocol.callToolStreaming(caller, 'm.t', {}, template(), callContext(template()))) {
    expect(piece).toBe(1)
    break
  }
  await closed
})

it('a call may be repeated when it is a GET', () => {
  expect(protocol.isIdempotent?.(template())).toBe(true)
  expect(protocol.isIdempotent?.(template({ http_method: 'POST' }))).toBe(false)
})
