import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createFetchHandler } from '@atp/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { echoJson } from '../../src/load/echo.ts'
import {
  checkEchoAnswer,
  createEchoToolkit,
  DeadlineError,
  deadlineMs,
  echo,
  echoKey,
  echoPath,
  echoRequest,
  echoSchema,
  holdsKey,
  withDeadline,
} from '../../src/load/echo-route.ts'
import { HttpConnection } from '../../src/load/http-connection.ts'

describe('echoRequest', () => {
  it('is what Node reads as a request with the key and the echo', async () => {
    const seen: unknown[] = []
    const server = createServer(async (request, response) => {
      const { method, url, headers } = request
      seen.push(method, url, headers.authorization, headers['content-type'], await text(request))
      response.setHeader('content-length', 0).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const connection = new HttpConnection(port)
    try {
      expect((await connection.request(echoRequest(port))).status).toBe(200)
      expect(seen).toEqual(['POST', echoPath, `Bearer ${echoKey}`, 'application/json', echoJson])
    } finally {
      connection.close()
      server.close()
    }
  })

  it('is answered by our own routes as every server has to answer', async () => {
    const handle = createFetchHandler(createEchoToolkit())
    const headers = { authorization: `Bearer ${echoKey}`, 'content-type': 'application/json' }
    const url = `http://localhost${echoPath}`
    const answer = await handle(new Request(url, { method: 'POST', headers, body: echoJson }))
    expect(() => checkEchoAnswer({ status: answer.status, body: '' })).toThrow()
    const body = await answer.text()
    expect(() => checkEchoAnswer({ status: answer.status, body })).not.toThrow()
  })
})

describe('checkEchoAnswer', () => {
  it.each([
    { status: 200, body: echoJson },
    { status: 200, body: '{"result":{"text":"hello","n":2}}' },
    { status: 201, body: `{"result":${echoJson}}` },
    { status: 429, body: '{"error":"busy"}' },
    { status: 200, body: '' },
  ])('refuses $status $body', (answer) => {
    expect(() => checkEchoAnswer(answer)).toThrow('not what was sent')
  })
})

describe('holdsKey', () => {
  it('takes the key', () => {
    expect(holdsKey(`Bearer ${echoKey}`)).toBe(true)
  })

  it.each([
    undefined,
    '',
    'Bearer ',
    echoKey,
    `Bearer ${echoKey}x`,
    `Bearer ${echoKey.slice(0, -1)}`,
    `Bearer ${echoKey.slice(0, -1)}x`,
    `bearer ${'x'.repeat(echoKey.length)}`,
  ])('refuses %j', (authorization) => {
    expect(holdsKey(authorization)).toBe(false)
  })
})

describe('withDeadline', () => {
  afterEach(() => void vi.useRealTimers())

  it('gives what the work gives, and leaves no timer behind', async () => {
    vi.useFakeTimers()
    const args = { text: 'hello', n: 1 }
    expect(await withDeadline(echo(args))).toEqual(echoSchema.parse(args))
    await expect(withDeadline(Promise.reject(new Error('no luck')))).rejects.toThrow('no luck')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('gives up on work that is not done in time, and no earlier', async () => {
    vi.useFakeTimers()
    let given: unknown
    const never = withDeadline(new Promise<never>(() => {})).catch((error: unknown) => {
      given = error
    })
    await vi.advanceTimersByTimeAsync(deadlineMs - 1)
    expect(given).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    await never
    expect(given).toBeInstanceOf(DeadlineError)
  })
})
