import { Writable } from 'node:stream'
import type { Logger } from '@atp/core'
import { type FastifyInstance, fastify } from 'fastify'
import { describe, expect, test } from 'vitest'
import { atp } from '../src/index.ts'
import { createShop, jsonPost } from './support.ts'

type Line = Record<string, unknown> & { msg: string }

/** An app and the lines of its log. */
function logging(): { app: FastifyInstance; lines: Line[] } {
  const lines: Line[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()))
      done()
    },
  })
  return { app: fastify({ logger: { level: 'debug', stream } }), lines }
}

function recording(): { logger: Logger; events: string[] } {
  const events: string[] = []
  const note = (event: string): void => void events.push(event)
  return { events, logger: { debug: note, info: note, warn: note, error: note } }
}

describe('the log', () => {
  test("has what the routes report, under the request's id", async () => {
    const { app, lines } = logging()
    app.register(atp, { client: createShop(), authorize: 'public' })
    const { request_id } = (await app.inject(jsonPost('/atp/shop/fail', {}))).json()
    expect(lines.find(({ msg }) => msg === 'tool.failed')).toMatchObject({
      level: 40,
      tool: 'fail',
      callId: request_id,
    })
    expect(lines.filter(({ msg }) => msg === 'incoming request').map(({ reqId }) => reqId)).toEqual([request_id])
    await app.close()
  })

  test('has lines of the routes from logLevel upwards only', async () => {
    const { app, lines } = logging()
    app.register(atp, { client: createShop(), authorize: 'public', prefix: '/warn', logLevel: 'warn' })
    app.register(atp, { client: createShop(), authorize: 'public', prefix: '/silent', logLevel: 'silent' })
    app.get('/own', () => 'own')
    for (const prefix of ['/warn', '/silent']) await app.inject(jsonPost(`${prefix}/atp/shop/fail`, {}))
    expect(lines.map(({ msg }) => msg)).toEqual(['tool.failed'])
    await app.inject('/own')
    expect(lines.map(({ msg }) => msg)).toContain('incoming request')
    await app.close()
  })

  test("is the option's logger where there is one, and the toolkit's own where the app logs nothing", async () => {
    const own = recording()
    const given = recording()
    const { app, lines } = logging()
    app.register(atp, { client: createShop(own), authorize: 'public', logger: given.logger })
    await app.inject(jsonPost('/atp/shop/fail', {}))
    expect([given.events, own.events]).toEqual([['tool.failed'], []])
    expect(lines.map(({ msg }) => msg)).not.toContain('tool.failed')
    await app.close()

    await using quiet = fastify()
    quiet.register(atp, { client: createShop(own), authorize: 'public' })
    await quiet.inject(jsonPost('/atp/shop/fail', {}))
    expect(own.events).toEqual(['tool.failed'])
  })
})

describe("the request's id", () => {
  test("is the app's own, in answers and in the tool's context", async () => {
    await using app = fastify({ genReqId: () => 'order-7', requestIdHeader: 'x-request-id' })
    app.register(atp, { client: createShop(), authorize: 'public' })
    expect((await app.inject(jsonPost('/atp/shop/call_id', {}))).json()).toEqual({ result: 'order-7' })
    expect((await app.inject('/atp/nothing')).json().request_id).toBe('order-7')
    const named = await app.inject({ url: '/atp/nothing', headers: { 'x-request-id': 'trace-1' } })
    expect(named.json().request_id).toBe('trace-1')
  })
})
