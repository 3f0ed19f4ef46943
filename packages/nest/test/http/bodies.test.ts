import { once } from 'node:events'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { Body, Controller, type INestApplication, Post } from '@nestjs/common'
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { describe, expect, it } from 'vitest'
import { AtpModule } from '../../src/index.ts'
import { post, send } from '../support/call.ts'
import { appModule } from '../support/module.ts'
import { platforms, startApp } from '../support/platforms.ts'
import { createShop } from '../support/shop.ts'

@Controller('notes')
class Notes {
  @Post()
  take(@Body() body: unknown): unknown {
    return { body: body ?? null }
  }
}

const module = appModule({
  imports: [
    AtpModule.forRoot({ clients: createShop(), authorize: 'public' }),
    AtpModule.forRoot({ clients: createShop({ apiKey: 'atp_toolkit_secret' }), path: '/closed' }),
  ],
  controllers: [Notes],
})

describe.each(platforms)('bodies that the parsers of the app fail with, on %s', (platform, adapter) => {
  it('are answered by the routes in their own order', async () => {
    await using running = await startApp(module, adapter())
    const codeOf = async (path: string): Promise<string> => (await post(running.url + path, '{"a":')).json.code
    expect(await codeOf('/atp/none/echo')).toBe('toolkit_not_found')
    expect(await codeOf('/atp/shop/none')).toBe('tool_not_found')
    expect(await codeOf('/atp/shop')).toBe('method_not_allowed')
    expect(await codeOf('/utcp')).toBe('method_not_allowed')
    expect(await codeOf('/closed/atp/shop/echo')).toBe('unauthorized')
    expect(await codeOf('/atp/shop/echo')).toBe('invalid_json')
  })

  it('stay what they are for the routes of the app', async () => {
    await using running = await startApp(module, adapter())
    const bad = await post(`${running.url}/notes`, '{"a":')
    expect(bad).toMatchObject({ status: 400, json: { statusCode: 400 } })
    expect(bad.json).not.toHaveProperty('code')
    const wrongType = await send(`${running.url}/notes`, { method: 'POST', body: new FormData() })
    expect(wrongType.status).toBe(platform === 'express' ? 201 : 415)
    expect((await post(`${running.url}/notes`, { a: 1 })).json).toEqual({ body: { a: 1 } })
    expect((await post(`${running.url}/none/atp/shop/echo`, '{"a":')).json).toMatchObject({
      statusCode: expect.any(Number),
    })
  })

  it('are not asked for again on the same connection', async () => {
    await using running = await startApp(module, adapter())
    for (const body of ['{"a":', '', '{"text":"a"}', '{"a":']) await post(`${running.url}/atp/shop/echo`, body)
    expect(await post(`${running.url}/atp/shop/echo`, { text: 'b' })).toMatchObject({ status: 200 })
  })
})

describe.each(platforms)('JSON that is no object on %s', (_platform, adapter) => {
  it.each(['""', JSON.stringify('{"text":"a"}'), '1', '[]'])('is refused: %s', async (body) => {
    await using running = await startApp(module, adapter())
    const answer = await post(`${running.url}/atp/shop/echo`, body)
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_params'])
  })

  it.each([
    ['of no type', {}],
    ['of JSON', { 'content-type': 'application/json' }],
    ['of a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['of a type without a parser', { 'content-type': 'application/a+json' }],
  ])('is not meant by an empty body %s', async (_type, headers) => {
    await using running = await startApp(module, adapter())
    const answer = await send(`${running.url}/atp/shop/echo`, { method: 'POST', headers })
    expect(answer).toMatchObject({ status: 200, json: { result: { args: {} } } })
  })
})

describe('bodies that an Express app keeps as texts', () => {
  it('are read as JSON', async () => {
    await using running = await startApp(module, new ExpressAdapter(), (app) => {
      ;(app as NestExpressApplication).useBodyParser('text', { type: 'application/json' })
    })
    const answer = await post(`${running.url}/atp/shop/echo`, { text: 'a' })
    expect(answer).toMatchObject({ status: 200, json: { result: { args: { text: 'a' } } } })
    expect((await post(`${running.url}/atp/shop/echo`, '{"a":')).json.code).toBe('invalid_json')
  })
})

describe('compressed bodies on Express', () => {
  it.each([
    ['that are not what they say', Buffer.from('{"text":"a"}')],
    ['that end early', gzipSync('{"text":"a"}').subarray(0, 15)],
  ])('%s are answered in our shape', async (_how, body) => {
    await using running = await startApp(module)
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    const sendTo = (path: string) => send(running.url + path, { method: 'POST', headers, body })
    const answer = await sendTo('/atp/shop/echo')
    expect([answer.status, answer.json.code]).toEqual([400, 'invalid_json'])
    expect((await sendTo('/atp/none/echo')).json.code).toBe('toolkit_not_found')
    expect((await sendTo('/closed/atp/shop/echo')).json.code).toBe('unauthorized')
    expect((await sendTo('/notes')).json).not.toHaveProperty('code')
  })
})

describe('middleware of an Express app behind its parsers', () => {
  it('is not got around by a body that fails', async () => {
    await using running = await startApp(module, new ExpressAdapter(), (app) => {
      ;(app as NestExpressApplication).useBodyParser('json')
      app.use((_request: unknown, response: ServerResponse) => response.writeHead(403).end())
    })
    const answerTo = async (method: string, body: string): Promise<number | undefined> => {
      const headers = { 'content-type': 'application/json', 'content-length': body.length }
      const asked = request(`${running.url}/atp/shop/echo`, { method, headers })
      asked.end(body)
      const [answer] = (await once(asked, 'response')) as [IncomingMessage]
      return answer.resume().statusCode
    }
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST']) {
      expect([method, await answerTo(method, '{}')]).toEqual([method, 403])
      expect([method, await answerTo(method, '{"a":')]).toEqual([method, 400])
    }
  })
})

describe('the limit of the parsers', () => {
  const large = { text: 'x'.repeat(200_000) }

  it('is 100 kB on Express unless the app says otherwise, and answered in our words', async () => {
    await using running = await startApp(module)
    const answer = await post(`${running.url}/atp/shop/echo`, large)
    expect(answer).toMatchObject({ status: 413, json: { code: 'payload_too_large' } })
  })

  it('is what useBodyParser says', async () => {
    await using running = await startApp(module, new ExpressAdapter(), (app) => {
      ;(app as NestExpressApplication).useBodyParser('json', { limit: '2mb' })
    })
    expect((await post(`${running.url}/atp/shop/echo`, large)).status).toBe(200)
  })

  it('is 1 MiB on Fastify', async () => {
    await using running = await startApp(module, new FastifyAdapter())
    expect((await post(`${running.url}/atp/shop/echo`, large)).status).toBe(200)
    const answer = await post(`${running.url}/atp/shop/echo`, { text: 'x'.repeat(1_048_577) })
    expect(answer).toMatchObject({ status: 413, json: { code: 'payload_too_large' } })
  })
})

describe('what an app itself refuses about a body', () => {
  it('stays refused in its own words', async () => {
    const verify = (): never => {
      throw Object.assign(new Error('The signature does not fit'), { status: 403 })
    }
    const prepare = (app: INestApplication): unknown =>
      (app as NestExpressApplication).useBodyParser('json', { verify } as object)
    await using running = await startApp(module, new ExpressAdapter(), prepare)
    const answer = await post(`${running.url}/atp/shop/echo`, { text: 'a' })
    expect([answer.status, answer.json.message]).toEqual([403, 'The signature does not fit'])
  })
})
