import { AtpError, type ToolDescriptor, Toolkit } from '@atp/core'
import { createGuardedFetch } from '@atp/egress'
import { corpusLookup, createFakeInternet, ssrfCorpus, startCanary } from '@atp/testing/egress'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { checkEndpointUrl } from '../../src/delivery/endpoint-url.ts'
import { RetryBudget } from '../../src/delivery/retry-budget.ts'
import { deriveEndpointSecret } from '../../src/keys/endpoint-secret.ts'
import { given, serveAnswers, serveToolkit, withoutBackoff } from './endpoint-support.ts'

const tool: ToolDescriptor = {
  ...{ name: 'tool', description: '', inputSchema: { type: 'object' }, auth: null, annotations: {}, tags: [] },
}
const idempotent: ToolDescriptor = { ...tool, annotations: { idempotent: true } }
const named = (name: string, auth: ToolDescriptor['auth'] = null): ToolDescriptor => ({ ...tool, name, auth })

function shop(apiKey: string): Toolkit {
  const toolkit = new Toolkit({ appName: 'shop', apiKey })
  toolkit.registerTool(
    { name: 'add', description: '', params: z.object({ a: z.number(), b: z.number() }) },
    ({ a, b }, { callId, authToken }) => ({ sum: a + b, callId, authToken: authToken ?? null }),
  )
  toolkit.registerTool({ name: 'fail', description: '' }, () => {
    throw new Error('sold out')
  })
  toolkit.registerTool(
    { name: 'mail', description: '', auth: { provider: 'mail', type: 'OAuth2', with: 'access_token' } },
    (_args, { authToken }) => authToken,
  )
  return toolkit
}

describe('a call to an endpoint', () => {
  it('runs at the routes of an app that knows nothing but its key, and brings its id', async () => {
    const { send, key } = await given()
    const url = await serveToolkit(shop(key.key))
    const { refusal, outcome, call } = send(url, { tool: named('add'), params: { a: 1, b: 2 }, authToken: 'secret' })
    expect(refusal).toBeUndefined()
    expect(await outcome).toEqual({ ok: true, result: { sum: 3, callId: call.id, authToken: null } })
    expect([call.state, call.attempts]).toEqual(['succeeded', 1])
  })

  it('brings the token of the end user to tools that declare auth, and in no other place than the body', async () => {
    const { send, key } = await given()
    const url = await serveToolkit(shop(key.key))
    const mail = named('mail', { provider: 'mail', type: 'OAuth2', with: 'access_token' })
    expect(await send(url, { tool: mail, authToken: 'secret' }).outcome).toEqual({ ok: true, result: 'secret' })
    const { url: bare, seen } = await serveAnswers((_request, response) => response.end('{"result":1}'))
    await send(bare, { tool, authToken: 'secret' }).outcome
    expect(JSON.stringify(seen)).not.toContain('secret')
  })

  it('fails as the tool does, with what the caller has to know', async () => {
    const { send, key } = await given()
    const url = await serveToolkit(shop(key.key))
    expect(await send(url, { tool: named('fail') }).outcome).toEqual({
      ok: false,
      error: { code: 'tool_error', message: 'sold out', retryable: false },
    })
    expect(await send(url, { tool: named('add'), params: { a: 1, b: 'x' } }).outcome).toMatchObject({
      error: { code: 'invalid_params', details: { issues: [{ path: 'b' }] } },
    })
    expect(await send(url, { tool: named('none') }).outcome).toMatchObject({ error: { code: 'tool_not_found' } })
  })

  it('is what standardwebhooks verifies, posted below the URL, whose query it keeps', async () => {
    const { send, key } = await given()
    const { url, seen } = await serveAnswers((_request, response) => response.end('{"result":null}'))
    const sent = send(`${url}/base/?code=hidden`, { tool, params: { a: 'ü' }, meta: { traceparent: 'x' } })
    expect(await sent.outcome).toEqual({ ok: true, result: null })
    const [request] = seen
    expect(request?.url).toBe('/base/atp/shop/tool?code=hidden')
    expect(request?.headers).toMatchObject({
      'content-type': 'application/vnd.atp.call+json',
      'webhook-id': sent.call.id,
      accept: 'application/json',
    })
    const secret = deriveEndpointSecret(key.key).toString('base64')
    expect(new Webhook(secret).verify(request?.body ?? '', request?.headers as Record<string, string>)).toEqual({
      ...{ call_id: sent.call.id, toolkit: 'shop', tool: 'tool', params: { a: 'ü' }, _meta: { traceparent: 'x' } },
      deadline_ms: expect.any(Number),
    })
    expect(JSON.parse(request?.body ?? '').deadline_ms).toBeLessThanOrEqual(30_000)
  })

  it('is refused at once where there is no endpoint, and for sessions of an app', async () => {
    const { send, delivery } = await given()
    const { refusal, call } = send(null)
    expect(refusal).toMatchObject({ code: 'toolkit_offline' })
    expect(delivery.refusal(call)).toMatchObject({ code: 'toolkit_offline' })
    expect(call.state).toBe('accepted')
    const session = send('http://127.0.0.1:1', { app: { sessionId: 's', event: 'start' } })
    expect(session.refusal).toMatchObject({ code: 'unsupported' })
  })
})

describe('an endpoint that cannot be reached', () => {
  it('is tried three times, after which the toolkit is offline and the call was never sent', async () => {
    withoutBackoff()
    const { send, logged } = await given()
    const { call, outcome } = send('http://127.0.0.1:1/?code=hidden')
    expect(await outcome).toMatchObject({
      error: { code: 'toolkit_offline', retryable: true, message: expect.stringContaining('ECONNREFUSED') },
    })
    expect([call.sent, call.attempts]).toEqual([false, 0])
    expect(logged.filter((line) => line.includes('endpoint.failed'))).toHaveLength(3)
    expect(logged.join()).toContain('127.0.0.1:1')
    expect(logged.join()).not.toContain('hidden')
  })

  it('is asked less when the budget of repetitions is used up', async () => {
    withoutBackoff()
    const { send, logged } = await given({ retryBudget: new RetryBudget({ minimum: 0 }) })
    expect(await send('http://127.0.0.1:1').outcome).toMatchObject({ error: { code: 'toolkit_offline' } })
    expect(logged).toHaveLength(1)
  })
})

describe('an endpoint that fails after it got a call', () => {
  it('leaves the outcome of a tool unknown that may not run twice, and is not asked again', async () => {
    withoutBackoff()
    const { send } = await given()
    for (const fail of [500, 502, 504, 'destroy', 'truncate'] as const) {
      const { url, seen } = await serveAnswers((_request, response) => {
        if (fail === 'destroy') response.destroy()
        else if (fail === 'truncate')
          response.writeHead(200, { 'content-length': '50' }).write('{"res', () => response.destroy())
        else response.writeHead(fail).end('<html>')
      })
      const { outcome, call } = send(url)
      expect([fail, await outcome]).toMatchObject([fail, { error: { code: 'toolkit_disconnected' } }])
      expect([call.state, seen.length]).toEqual(['outcome_unknown', 1])
    }
  })

  it('is asked again where the tool may run twice, under another id of the same call', async () => {
    withoutBackoff()
    const { send } = await given()
    const { url, seen } = await serveAnswers((_request, response, count) => {
      if (count === 1) response.destroy()
      else if (count === 2) response.writeHead(500).end()
      else response.end('{"result":"at last"}')
    })
    const { outcome, call } = send(url, { tool: idempotent, params: { a: 1 } })
    expect(await outcome).toEqual({ ok: true, result: 'at last' })
    const ids = seen.map(({ headers }) => String(headers['webhook-id']))
    expect(new Set(ids).size).toBe(3)
    expect(ids[0]).toBe(call.id)
    for (const id of ids.slice(1)) expect(id).toMatch(new RegExp(`^${call.id}\\.[\\w-]{1,32}$`))
    expect(seen.map(({ body }) => JSON.parse(body).params)).toEqual([{ a: 1 }, { a: 1 }, { a: 1 }])
  })

  it.each([429, 503, 'offline'] as const)(
    'and says %s when it is asked again, has not denied that the call ran the first time',
    async (second) => {
      withoutBackoff()
      const { send } = await given()
      const { url, seen, close } = await serveAnswers((_request, response, count) => {
        if (count > 1) response.writeHead(Number(second)).end()
        else if (second === 'offline') close()
        else response.destroy()
      })
      const { outcome, call } = send(url, { tool: idempotent })
      expect(await outcome).toMatchObject({ error: { code: 'toolkit_disconnected' } })
      expect([call.state, seen.length]).toEqual(['outcome_unknown', second === 'offline' ? 1 : 2])
    },
  )

  it('that cannot be signed when it is asked again has not denied that the call ran the first time', async () => {
    withoutBackoff()
    const { send, store, bus, key } = await given()
    const { url, seen } = await serveAnswers((_request, response) => {
      vi.spyOn(store.keys, 'list').mockRejectedValue(new AtpError('store_unavailable', 'no store'))
      void bus.publish('key.revoked', { keyId: key.id }).then(() => response.destroy())
    })
    const { outcome } = send(url, { tool: idempotent })
    expect(await outcome).toMatchObject({ error: { code: 'toolkit_disconnected' } })
    expect(seen.length).toBe(1)
  })

  it('is asked three times at most', async () => {
    withoutBackoff()
    const { send } = await given()
    const { url, seen } = await serveAnswers((_request, response) => response.writeHead(500).end())
    expect(await send(url, { tool: idempotent }).outcome).toMatchObject({ error: { code: 'toolkit_disconnected' } })
    expect(seen).toHaveLength(3)
  })

  it('is not asked again when the call has no time for it', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.999)
    const { send } = await given()
    const { url, seen } = await serveAnswers((_request, response) => response.writeHead(500).end())
    const { outcome } = send(url, { tool: idempotent, timeoutMs: 400 })
    expect(await outcome).toMatchObject({ error: { code: 'toolkit_disconnected' } })
    expect(seen).toHaveLength(1)
    random.mockRestore()
  })

  it('says that it had the call before: nobody knows what became of it', async () => {
    withoutBackoff()
    const { send } = await given()
    const duplicate = JSON.stringify({ error: 'here before', code: 'duplicate_request_id', request_id: 'x' })
    const { url, seen } = await serveAnswers((_request, response) => response.writeHead(409).end(duplicate))
    expect(await send(url).outcome).toMatchObject({ error: { code: 'toolkit_disconnected' } })
    expect(seen).toHaveLength(1)
  })
})

describe('an endpoint that does not run a call', () => {
  it.each([429, 503])('because it is busy (%i) is not asked again, and says how long to wait', async (status) => {
    const { send } = await given()
    const { url, seen } = await serveAnswers((_request, response) => {
      response.writeHead(status, { 'retry-after': '7' }).end()
    })
    expect(await send(url, { tool: idempotent }).outcome).toMatchObject({
      error: { code: 'busy', retryable: true, details: { retryAfterMs: 7_000 } },
    })
    expect(seen).toHaveLength(1)
  })

  it.each([
    [401, '', /refused the call \(401\)/],
    [403, JSON.stringify({ error: 'Not on Sundays', code: 'forbidden' }), /\(403\): Not on Sundays/],
    [404, '<html>', /no tool "tool" of toolkit "shop" at its URL \(404\)/],
    [200, '<html>', /answered 200, and not as the routes of ATP do/],
    [200, '{"ok":true}', /answered 200, and not as the routes of ATP do/],
    [413, JSON.stringify({ error: 'Too large', code: 'payload_too_large' }), /answered 413: Too large/],
    [418, 'short and stout', /answered 418/],
    [302, '', /redirects the call, which is not followed/],
  ])('but answers %i %s, is delivered nothing', async (status, body, message) => {
    const { send } = await given()
    const { url, seen } = await serveAnswers((_request, response) => {
      response.writeHead(status, status === 302 ? { location: 'https://example.com/' } : {}).end(body)
    })
    expect(await send(url, { tool: idempotent }).outcome).toMatchObject({
      error: { code: 'delivery_failed', retryable: false, message: expect.stringMatching(message) },
    })
    expect(seen).toHaveLength(1)
  })

  it('may repeat what it was sent, which the log does not', async () => {
    const { send, logged } = await given()
    const { url } = await serveAnswers(({ body }, response) => {
      response.writeHead(403).end(JSON.stringify({ error: `No ${body}`, code: 'forbidden' }))
    })
    const { outcome } = send(url, { params: { a: 'hidden' } })
    expect(await outcome).toMatchObject({ error: { message: expect.stringContaining('hidden') } })
    expect(logged).toEqual([expect.stringContaining('HTTP status 403')])
    expect(logged.join()).not.toContain('hidden')
  })

  it('is believed about its tool, and not about keys and connections', async () => {
    const { send } = await given()
    const says = async (status: number, code: string): Promise<unknown> => {
      const { url } = await serveAnswers((_request, response) => {
        response.writeHead(status).end(JSON.stringify({ error: 'so it is', code, retryable: true }))
      })
      const outcome = await send(url).outcome
      return outcome.ok ? undefined : outcome.error.code
    }
    expect(await says(400, 'tool_error')).toBe('tool_error')
    expect(await says(500, 'internal_error')).toBe('internal_error')
    expect(await says(504, 'deadline_exceeded')).toBe('deadline_exceeded')
    expect(await says(500, 'database_unusable')).toBe('toolkit_disconnected')
    expect(await says(400, 'unauthorized')).toBe('delivery_failed')
  })
})

describe('results', () => {
  it('are as large as they may be, and no larger', async () => {
    const { send } = await given()
    const answerWith = async (text: string): Promise<unknown> => {
      const { url } = await serveAnswers((_request, response) => {
        response.setHeader('content-type', 'application/json').end(text)
      })
      return send(url).outcome
    }
    const largest = 'x'.repeat(10_000 - 2)
    expect(await answerWith(`{"result":"${largest}"}`)).toEqual({ ok: true, result: largest })
    for (const text of [`{"result":"x${largest}"}`, `{"result":"${'x'.repeat(1_000_000)}"}`]) {
      expect(await answerWith(text)).toMatchObject({ error: { code: 'result_too_large' } })
    }
    expect(await answerWith('{"result":')).toMatchObject({ error: { code: 'invalid_result' } })
    expect(await answerWith('{"result":{"__proto__":1}}')).toMatchObject({ error: { code: 'invalid_result' } })
  })

  it('that are too large hold no connection: the rest is not waited for', async () => {
    const { send } = await given()
    const { promise: closed, resolve: onClose } = Promise.withResolvers<void>()
    const { url } = await serveAnswers((_request, response) => {
      response.on('close', onClose).write(`{"result":"${'x'.repeat(200_000)}`)
    })
    expect(await send(url).outcome).toMatchObject({ error: { code: 'result_too_large' } })
    await closed
  })
})

describe('concurrency', () => {
  it('is bounded for each toolkit, and free again once a request has ended', async () => {
    const { send, delivery } = await given({ maxConcurrency: 2 })
    const { url, seen } = await serveAnswers(() => {})
    const [first] = [send(url), send(url)]
    expect(send(url).refusal).toMatchObject({ code: 'busy' })
    await vi.waitFor(() => expect(seen).toHaveLength(2))
    first?.call.fail({ code: 'cancelled', message: '', retryable: false })
    if (first) delivery.cancel(first.call, 'test')
    await vi.waitFor(() => expect(send(url).refusal).toBeUndefined())
    expect(send(url).refusal).toMatchObject({ code: 'busy' })
  })
})

describe('the guard of rules E', () => {
  it('lets no call out of a server without dev to places that are not public, whatever the URL', async () => {
    using internet = createFakeInternet()
    await using canary = await startCanary()
    const { send } = await given({
      dev: false,
      createFetch: (options) => createGuardedFetch({ ...options, lookup: corpusLookup }),
    })
    let refusedByText = 0
    for (const { url } of ssrfCorpus(canary.port)) {
      try {
        checkEndpointUrl(url, false)
      } catch {
        refusedByText += 1
        continue
      }
      const { outcome } = send(url)
      expect([url, await outcome]).toMatchObject([url, { error: { code: 'delivery_failed' } }])
    }
    expect(refusedByText).toBeGreaterThan(10)
    expect(internet.attempts).toEqual([])
    expect(canary.heard()).toBe(0)
  })

  it('lets calls to this machine out with dev only', async () => {
    const { url, seen } = await serveAnswers((_request, response) => response.end('{"result":1}'))
    const closed = await given({ dev: false })
    expect(await closed.send(url).outcome).toMatchObject({
      error: { code: 'delivery_failed', message: expect.not.stringContaining('127.0.0.1') },
    })
    expect(closed.logged.join()).toContain('127.0.0.1')
    expect(seen).toEqual([])
  })
})
