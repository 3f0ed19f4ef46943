import { silentLogger } from '@atp/core'
import { expect, it } from 'vitest'
import { createHttpApp } from '../../src/gateway/http-app.ts'
import { defaultLimits } from '../../src/limits.ts'

function app(logger = silentLogger) {
  return createHttpApp({
    limits: defaultLimits,
    newId: () => 'id-1',
    checkOrigin: () => {},
    authenticate: () => Promise.reject(new Error('no route of these needs a key')),
    logger,
  })
}

const open = { config: { access: 'open' } } as const

it('keeps the time and header limits of rule T1', async () => {
  const { server } = app()
  expect({
    headersTimeout: server.headersTimeout,
    requestTimeout: server.requestTimeout,
    maxHeadersCount: server.maxHeadersCount,
    // What is not looked at is not ended either. It is no documented member.
    connectionsCheckingInterval: Reflect.get(server, 'connectionsCheckingInterval'),
  }).toEqual({
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    maxHeadersCount: 100,
    connectionsCheckingInterval: 5_000,
  })
})

it('masks a defect, logs it whole, and answers with the request’s id', async () => {
  const logged: unknown[] = []
  const broken = app({ ...silentLogger, error: (event, fields) => void logged.push({ event, ...fields }) })
  broken.get('/broken', open, async () => {
    throw new Error('select * from secrets')
  })
  const answer = await broken.inject('/broken')
  expect(answer.statusCode).toBe(500)
  expect(answer.json()).toEqual({ error: 'Internal error', code: 'internal_error', request_id: 'id-1' })
  expect(logged).toMatchObject([
    { event: 'gateway.defect', requestId: 'id-1', error: expect.stringContaining('secrets') },
  ])
})

it('logs the route’s pattern, never the address', async () => {
  const logged: unknown[] = []
  const watched = app({ ...silentLogger, debug: (event, fields) => void logged.push({ event, ...fields }) })
  watched.get('/inbox/:key', open, async () => ({}))
  await watched.inject('/inbox/atp_toolkit_canary?token=canary')
  expect(JSON.stringify(logged)).not.toContain('canary')
  expect(logged).toMatchObject([{ event: 'http.request', route: '/inbox/:key', status: 200 }])
})

it('refuses a header block above 16 KiB', async () => {
  const server = app()
  const url = await server.listen({ port: 0, host: '127.0.0.1' })
  const answer = await fetch(url, { headers: { 'x-large': 'x'.repeat(17 * 1024) } })
  expect(answer.status).toBe(431)
  await server.close()
})

it('answers an address that cannot be read like any other bad input', async () => {
  const answer = await app().inject('/api/v2/keys/%zz')
  expect(answer.statusCode).toBe(400)
  expect(answer.json()).toMatchObject({ code: 'invalid_request', status: 400, request_id: 'id-1' })
})
