import { describe, expect, it } from 'vitest'
import { fetchedAnswer } from '../../src/outbound/fetched-answer.ts'
import type { OutboundAnswer } from '../../src/outbound/outbound.ts'
import { httpError } from '../../src/response/http-error.ts'

const what = 'GET https://api.example'

function answer(body: string | ReadableStream, status = 400, headers: Record<string, string> = {}): OutboundAnswer {
  return fetchedAnswer(new Response(body, { status, statusText: 'Bad Request', headers }), what)
}

describe('the error of an answer', () => {
  it.each([
    ['{"error":"e","message":"m","detail":"d"}', 'e'],
    ['{"error":{"code":1},"message":"m","detail":"d"}', 'm'],
    ['{"detail":"d"}', 'd'],
    ['{"error":{"code":1}}', '{"error":{"code":1}}'],
    ['"text"', 'text'],
    ['<h1>no</h1>', '<h1>no</h1>'],
  ])('says of %s %j', async (body, words) => {
    const error = await httpError(answer(body), what, [])
    expect(error.message).toBe(`${what} answered 400 Bad Request: ${words}`)
    expect(error).toMatchObject({ code: 'http_error', status: 400, retryable: false })
  })

  it('has the body, as JSON where it is, and only its status when there is none', async () => {
    expect((await httpError(answer('{"error":{"code":1}}'), what, [])).body).toEqual({ error: { code: 1 } })
    expect((await httpError(answer('plain'), what, [])).body).toBe('plain')
    const empty = fetchedAnswer(new Response(null, { status: 404 }), what)
    expect((await httpError(empty, what, [])).message).toBe(`${what} answered 404`)
  })

  it('has two thousand characters of detail, of 64 KiB that are read', async () => {
    let sent = 0
    let isLeft = false
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 10_000
        controller.enqueue(new Uint8Array(10_000).fill(97))
      },
      cancel() {
        isLeft = true
      },
    })
    const error = await httpError(answer(endless), what, [])
    expect(error.message.length - `${what} answered 400 Bad Request: `.length).toBe(2_000)
    expect(String(error.body)).toHaveLength(65_536)
    expect(isLeft).toBe(true)
    expect(sent).toBeLessThan(100_000)
  })

  it('has no control characters, nor such that turn the direction', async () => {
    const error = await httpError(answer('{"error":"a\\r\\nb\\u001b[31mc\\u202ed\\u0000\\u2028e"}'), what, [])
    expect(error.message).toBe(`${what} answered 400 Bad Request: a b [31mc d e`)
  })

  it('does not repeat credentials that a server repeats', async () => {
    const error = await httpError(answer('{"error":"bad key abcdef","sent":["abcdef"]}'), what, ['abcdef'])
    expect(error.message).toContain('bad key ***')
    expect(error.body).toEqual({ error: 'bad key ***', sent: ['***'] })
    const quoted = await httpError(answer(JSON.stringify({ sent: 'a"b\\c' })), what, ['a"b\\c'])
    expect(quoted.body).toEqual({ sent: '***' })
  })

  it.each([408, 425, 429, 500, 502, 503, 504])('of status %i may be tried again', async (status) => {
    expect((await httpError(answer('', status), what, [])).retryable).toBe(true)
  })

  it.each([
    ['3', 3_000],
    [new Date(Date.now() + 100_000).toUTCString(), undefined],
    ['soon', undefined],
  ])('tells when: %s', async (header, ms) => {
    const { retryAfterMs } = await httpError(answer('', 429, { 'retry-after': header }), what, [])
    if (header.includes('GMT')) expect(retryAfterMs).toBeGreaterThan(50_000)
    else expect(retryAfterMs).toBe(ms)
  })
})
