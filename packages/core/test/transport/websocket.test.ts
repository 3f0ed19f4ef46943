import dns from 'node:dns'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connectWebSocket } from '../../src/transport/websocket.ts'
import { refusal, type SocketServer, startSocketServer } from './socket-server.ts'
import { connectOptions, Recorder } from './test-peer.ts'

describe('connectWebSocket', () => {
  let server: SocketServer
  let near: Recorder

  beforeEach(async () => {
    server = await startSocketServer()
    near = new Recorder()
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    expect(near.told).toEqual([])
    await server[Symbol.asyncDispose]()
  })

  const refusedWith = async (status: number, body: string, headers?: Record<string, string>): Promise<unknown> => {
    server.answer = refusal(status, body, headers)
    return connectWebSocket(connectOptions(server.url, near)).then(
      () => 'connected',
      (error: unknown) => error,
    )
  }

  it.each([
    { status: 401, code: 'unauthorized', message: 'This key is unknown or revoked' },
    { status: 403, code: 'forbidden', message: 'This is a toolkit key; an llm key is needed' },
  ])('reads $status as $code with the words of the server', async ({ status, code, message }) => {
    const error = await refusedWith(status, JSON.stringify({ error: message, code }))
    expect(error).toMatchObject({ code, message, retryable: false, details: { status } })
  })

  it.each([
    { status: 401, code: 'unauthorized' },
    { status: 403, code: 'forbidden' },
  ])('reads a $status without JSON as $code too, and says where', async ({ status, code }) => {
    for (const body of ['<html><h1>No</h1></html>', '', 'null', '{"error":1}', '{"error"']) {
      const error = await refusedWith(status, body)
      expect(error).toMatchObject({ code, message: expect.stringContaining(server.url) })
      expect((error as Error).message).toContain(`${status}`)
    }
  })

  it.each([500, 502, 503, 504])('never takes %i for a refused key, whatever its body says', async (status) => {
    const body = JSON.stringify({ error: 'no such key', code: 'unauthorized' })
    const error = await refusedWith(status, body)
    expect(error).toMatchObject({ code: 'connection_failed', retryable: true, details: { status } })
  })

  it('passes on how long a server asks to wait, in milliseconds', async () => {
    const body = JSON.stringify({ error: 'This key connects too often; try again later', code: 'rate_limited' })
    const error = await refusedWith(429, body, { 'Retry-After': '7' })
    expect(error).toMatchObject({
      code: 'rate_limited',
      message: 'This key connects too often; try again later',
      details: { status: 429, retryAfterMs: 7_000 },
    })
  })

  it.each(['soon', '-5', 'Wed, 21 Oct 2099 07:28:00 GMT', '0'])('does without a Retry-After of %j', async (value) => {
    const error = await refusedWith(503, '', { 'Retry-After': value })
    expect(error).toMatchObject({ code: 'connection_failed', details: { status: 503 } })
    expect((error as { details: object }).details).not.toHaveProperty('retryAfterMs')
  })

  it('passes on what another refusal says', async () => {
    const conflict = { error: 'This key stands for toolkit "a"', code: 'toolkit_name_conflict' }
    expect(await refusedWith(409, JSON.stringify(conflict))).toMatchObject({
      code: 'toolkit_name_conflict',
      message: conflict.error,
    })
  })

  it.each([
    { status: 200, body: '<html>a web page</html>' },
    { status: 301, body: '' },
    { status: 404, body: 'Not Found' },
    { status: 404, body: '{"error":"no","code":"a code of a newer server"}' },
  ])('takes $status $body for a failed connection', async ({ status, body }) => {
    const headers = { Location: 'ws://127.0.0.1:1/' }
    expect(await refusedWith(status, body, headers)).toMatchObject({ code: 'connection_failed', details: { status } })
  })

  it('does not read an endless refusal to its end', async () => {
    server.answer = (stream) => {
      stream.write('HTTP/1.1 403 Refused\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n')
      const more = (): void => {
        while (!stream.destroyed && stream.write(`400\r\n${'x'.repeat(1_024)}\r\n`));
      }
      stream.on('drain', more)
      more()
    }
    await expect(connectWebSocket(connectOptions(server.url, near))).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('does not wait for ever for the end of a refusal', async () => {
    server.answer = (stream) => stream.write('HTTP/1.1 403 Refused\r\nContent-Length: 100\r\n\r\n{"error"')
    const connecting = connectWebSocket({ ...connectOptions(server.url, near), timeoutMs: 50 })
    await expect(connecting).rejects.toMatchObject({ code: 'connection_failed' })
  })

  it('fails when the server hangs up during the handshake', async () => {
    server.answer = (stream) => stream.destroy()
    const connecting = connectWebSocket(connectOptions(server.url, near))
    await expect(connecting).rejects.toMatchObject({
      code: 'connection_failed',
      message: expect.stringContaining(server.url),
    })
  })

  it('fails when the server speaks something else', async () => {
    server.answer = (stream) => stream.end('SSH-2.0-OpenSSH_9.2\r\n')
    const connecting = connectWebSocket(connectOptions(server.url, near))
    await expect(connecting).rejects.toMatchObject({ code: 'connection_failed' })
  })

  it('says why it failed where a name has several addresses', async () => {
    // Node then fails with an AggregateError, whose message is empty.
    const addresses = [
      { address: '127.0.0.1', family: 4 },
      { address: '127.0.0.2', family: 4 },
    ]
    vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, _options: object, done: (...all: unknown[]) => void) =>
      done(null, addresses)) as typeof dns.lookup)
    const connecting = connectWebSocket(connectOptions('ws://two-addresses.example:1', near))
    await expect(connecting).rejects.toMatchObject({ message: expect.stringContaining('ECONNREFUSED') })
  })

  it.each(['ws://127.0.0.1:1/#fragment', 'ws://', 'ftp://127.0.0.1/'])('refuses the address %j', async (url) => {
    await expect(connectWebSocket(connectOptions(url, near))).rejects.toMatchObject({ code: 'connection_failed' })
  })

  it('never shows the key in an error', async () => {
    const apiKey = 'atp_llm_very_secret'
    server.answer = refusal(401, '')
    const errors = await Promise.all(
      [server.url, 'ws://127.0.0.1:1', 'ws://'].map((url) =>
        connectWebSocket({ ...connectOptions(url, near), apiKey }).catch((error: Error) => error),
      ),
    )
    for (const error of errors) expect(`${(error as Error).stack} ${JSON.stringify(error)}`).not.toContain(apiKey)
  })
})
