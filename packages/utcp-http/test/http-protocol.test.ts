import { type CallTemplate, type CommunicationProtocol, UtcpClient } from '@atp/utcp'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { http } from '../src/index.ts'
import { call, stream } from './support/calls.ts'
import { failureOf } from './support/failure.ts'
import { type Answer, json, type Site, startSite } from './support/site.ts'

let site: Site
let protocol: CommunicationProtocol
let answer: Answer

beforeEach(async () => {
  answer = (_, response) => json(response, {})
  site = await startSite((request, response) => answer(request, response))
  protocol = http()()
})

afterEach(async () => {
  await protocol.close()
  await site[Symbol.asyncDispose]()
})

const template = (changes: Partial<CallTemplate> = {}): CallTemplate => ({
  ...{ call_template_type: 'http', url: `${site.origin}/x` },
  ...changes,
})

/** Answers with these bytes and type. */
function answerWith(body: string | Uint8Array, contentType?: string, status = 200): void {
  answer = (_, response) => {
    response.writeHead(status, contentType === undefined ? {} : { 'content-type': contentType }).end(body)
  }
}

describe('a result', () => {
  it.each([
    ['application/json', '{"a":1}', { a: 1 }],
    ['application/problem+json; charset=utf-8', '[1]', [1]],
    ['application/json', '', null],
    ['text/plain', '12345', '12345'],
    ['text/html; charset=iso-8859-1', Uint8Array.of(0xe9), 'é'],
    ['text/plain; charset=nonsense', 'é', 'é'],
    ['application/yaml', 'a: 1', 'a: 1'],
    ['application/xml', '<a/>', '<a/>'],
    ['application/x-ndjson', '{"a":1}\n', '{"a":1}\n'],
    [undefined, 'text', 'text'],
    [undefined, Uint8Array.of(0xff, 0xfe), Uint8Array.of(0xff, 0xfe)],
    ['application/unheard-of', Uint8Array.of(0xff), Uint8Array.of(0xff)],
    ['application/octet-stream', 'bytes', new TextEncoder().encode('bytes')],
    ['image/png', Uint8Array.of(0x89, 0x50), Uint8Array.of(0x89, 0x50)],
    ['image/svg+xml', '<svg/>', '<svg/>'],
  ])('of type %s of %j is %j', async (type, body, expected) => {
    answerWith(body, type)
    expect(await call(protocol, template())).toEqual(expected)
    expect(await stream(protocol, template())).toEqual([expected])
  })

  it('of JSON that is none is an error', async () => {
    answerWith('{"a":', 'application/json')
    expect(await failureOf(call(protocol, template()))).toMatchObject({ code: 'invalid_response' })
  })

  it('without content is null or empty', async () => {
    answerWith('', undefined, 204)
    expect(await call(protocol, template())).toBe('')
  })

  it('that is larger than allowed is refused', async () => {
    answerWith('x'.repeat(1_001), 'text/plain')
    const refused = await failureOf(call(protocol, template(), {}, { maxResponseBytes: 1_000 }))
    expect(refused).toMatchObject({ code: 'response_too_large' })
    expect(await call(protocol, template(), {}, { maxResponseBytes: 1_001 })).toHaveLength(1_001)
  })
})

describe('a request', () => {
  it('has a body by GET, too, when the argument is there', async () => {
    await call(protocol, template(), { body: { query: 'x' } })
    expect(site.seen[0]).toMatchObject({ method: 'GET', url: '/x', body: '{"query":"x"}' })
  })

  it('goes out as the template says, with the default headers of its key', async () => {
    const auth = { auth_type: 'api_key', api_key: 'k' }
    await call(protocol, template({ http_method: 'PATCH', auth }), { body: 'x', q: [1, 2] })
    expect(site.seen[0]).toMatchObject({ method: 'PATCH', url: '/x?q=1&q=2', body: '"x"' })
    expect(site.seen[0]?.headers).toMatchObject({ 'x-api-key': 'k', 'content-type': 'application/json' })
    expect(site.seen[0]?.headers).not.toHaveProperty('undefined')
  })

  it('writes the query as its options say', async () => {
    const brackets = http({ query: { lists: 'brackets', objects: 'brackets' } })()
    await call(brackets, template(), { a: [1], o: { x: 1 } })
    expect(site.seen[0]?.url).toBe('/x?a%5B%5D=1&o%5Bx%5D=1')
    await brackets.close()
  })

  it('uses a connection again', async () => {
    for (let n = 0; n < 10; n += 1) await call(protocol, template())
    expect(site.seen).toHaveLength(10)
    // One may still be busy with the end of an answer when the next call begins.
    expect(site.connections()).toBeLessThanOrEqual(3)
  })

  it('ends after its time', async () => {
    answer = () => undefined
    const impatient = http({ timeoutMs: 50 })()
    const error = await failureOf(call(impatient, template()))
    expect(error).toMatchObject({ code: 'timeout', retryable: true })
    await impatient.close()
  })

  it('ends after its time while the answer is being read', async () => {
    answer = (_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).write('begins')
    const impatient = http({ timeoutMs: 50 })()
    expect(await failureOf(call(impatient, template()))).toMatchObject({ code: 'timeout' })
    await impatient.close()
  })
})

describe('an error', () => {
  it('has status, body and what the body says, and not the key that the server repeats', async () => {
    answer = ({ headers }, response) => json(response, { detail: `no ${headers['x-api-key']}` }, 403)
    const auth = { auth_type: 'api_key', api_key: 'top-secret' }
    const error = await failureOf(call(protocol, template({ auth }), { q: 'hidden' }))
    expect(error).toMatchObject({ code: 'http_error', status: 403, body: { detail: 'no ***' } })
    expect(error.message).toBe(`GET ${site.origin} answered 403 Forbidden: no ***`)
  })
})

describe('in a client', () => {
  it('calls are tried again when the method allows it', async () => {
    const tool = (name: string, http_method: string) => ({
      name,
      tool_call_template: { call_template_type: 'http', url: `${site.origin}/flaky`, http_method },
    })
    let failures = 0
    answer = ({ path }, response) => {
      if (path === '/utcp')
        return json(response, { utcp_version: '1.0.1', tools: [tool('get', 'GET'), tool('post', 'POST')] })
      failures -= 1
      return failures < 0 ? json(response, 'done') : json(response, {}, 503)
    }
    await using client = await UtcpClient.create(
      { manual_call_templates: [{ name: 'm', call_template_type: 'http', url: `${site.origin}/utcp` }] },
      { protocols: [http()], retry: { baseMs: 1 } },
    )
    failures = 1
    expect(await client.callTool('m.get', {})).toBe('done')
    failures = 1
    expect(await failureOf(client.callTool('m.post', {}))).toMatchObject({ code: 'http_error', status: 503 })
  })

  it('a call that is given up ends at the server, too', async () => {
    let left: Promise<void> | undefined
    answer = (_, response) => {
      left = new Promise((resolve) => response.once('close', () => resolve()))
    }
    const abort = new AbortController()
    const failed = failureOf(call(protocol, template(), {}, { signal: abort.signal }))
    await expect.poll(() => left !== undefined).toBe(true)
    abort.abort(new Error('enough'))
    expect((await failed).message).toBe('enough')
    await left
  })
})
