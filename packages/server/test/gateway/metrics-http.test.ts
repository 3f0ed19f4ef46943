import { AtpError, silentLogger } from '@atp/core'
import type { FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { createHttpApp } from '../../src/gateway/http-app.ts'
import { defaultMetricsAccess, type MetricsAccess, registerMetricsHttp } from '../../src/gateway/metrics-http.ts'
import { defaultLimits } from '../../src/limits.ts'
import { createMetrics } from '../../src/metrics/create-metrics.ts'
import { readExposition } from '../metrics/read-exposition.ts'
import { makeCall } from '../support/make-call.ts'

const { key } = makeCall().call
let app: FastifyInstance
afterEach(() => app.close())

function serve(access: MetricsAccess, operator: string = key.projectId): void {
  app = createHttpApp({
    limits: defaultLimits,
    newId: () => 'id-1',
    checkOrigin: () => {},
    async authenticate({ headers }, kind) {
      if (headers.authorization !== 'Bearer good') throw new AtpError('unauthorized', `No ${kind} key`)
      return key
    },
    logger: silentLogger,
  })
  const metrics = createMetrics({
    version: '1.2.3',
    connectedToolkits: () => 1,
    callsInFlight: () => 0,
    callLogDropped: () => 0,
    inboxDepths: async () => [],
  })
  registerMetricsHttp(app, { metrics, access, operatorProject: async () => operator })
}

const read = (authorization?: string) => {
  return app.inject({ url: '/metrics', headers: authorization === undefined ? {} : { authorization } })
}

describe('/metrics', () => {
  it('is text for Prometheus that nobody caches', async () => {
    serve('open')
    const { statusCode, headers, body } = await read()
    expect(statusCode).toBe(200)
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(headers['cache-control']).toBe('no-store')
    expect(readExposition(body).get('atp_connected_toolkits')).toBe(1)
  })

  it('asks for an admin key where it is not open', async () => {
    serve('admin')
    expect((await read()).statusCode).toBe(401)
    expect((await read('Bearer bad')).json()).toMatchObject({ code: 'unauthorized', error: 'No admin key' })
    expect((await read('Bearer good')).statusCode).toBe(200)
  })

  it('shows nothing to the admin of another project, as it names the toolkits of all', async () => {
    serve('admin', 'project-of-the-operator')
    const answer = await read('Bearer good')
    expect(answer.statusCode).toBe(403)
    expect(answer.json()).toMatchObject({ code: 'forbidden' })
  })

  it('is not there when it is off', async () => {
    serve('off')
    expect((await read('Bearer good')).statusCode).toBe(404)
  })
})

it('is open by default only where nobody but this machine can ask', () => {
  expect(defaultMetricsAccess({ loopback: true, behindProxy: false })).toBe('open')
  expect(defaultMetricsAccess({ loopback: true, behindProxy: true })).toBe('admin')
  expect(defaultMetricsAccess({ loopback: false, behindProxy: false })).toBe('admin')
})
