import { connect } from 'node:http2'
import { text } from 'node:stream/consumers'
import { createRegistry, Toolkit } from '@atp/core'
import { fastify } from 'fastify'
import { describe, expect, test } from 'vitest'
import { atp } from '../src/index.ts'
import { createShop, jsonPost } from './support.ts'

describe('ways to register', () => {
  test('await, a function that makes the options, and a lazy import are taken like those of any plugin', async () => {
    await using app = fastify()
    await app.register(atp, { client: createShop(), authorize: 'public', prefix: '/awaited' })
    app.register(atp, () => ({ client: createShop(), authorize: 'public' as const }))
    app.register(import('../src/index.ts'), { client: createRegistry(), prefix: '/lazy' })
    expect((await app.inject(jsonPost('/awaited/atp/shop/ping', {}))).json()).toEqual({ result: 'pong' })
    expect((await app.inject(jsonPost('/atp/shop/ping', {}))).json()).toEqual({ result: 'pong' })
    expect((await app.inject('/lazy/atp')).json()).toEqual({ toolkits: [] })
  })

  test('a list of toolkits is one mount', async () => {
    await using app = fastify()
    app.register(atp, { client: [createShop(), new Toolkit({ appName: 'empty' })] })
    const { toolkits } = (await app.inject('/atp')).json()
    expect(toolkits.map(({ app_name }: { app_name: string }) => app_name)).toEqual(['shop', 'empty'])
  })

  test('two mounts at one place are refused', async () => {
    await using app = fastify()
    app.register(atp, { client: createShop() })
    app.register(atp, { client: createShop() })
    await expect(app.ready()).rejects.toMatchObject({ code: 'FST_ERR_DUPLICATED_ROUTE' })
  })
})

test('HTTP/2 works as HTTP/1 does', async () => {
  await using app = fastify({ http2: true })
  app.register(atp, { client: createShop(), authorize: 'public' })
  const session = connect(await app.listen({ port: 0 }))
  const answer = async (headers: Record<string, string>, body?: string): Promise<[unknown, string]> => {
    const stream = session.request({ ':method': 'POST', 'content-type': 'application/json', ...headers })
    const status = new Promise((resolve) => stream.once('response', (got) => resolve(got[':status'])))
    stream.end(body)
    return [await status, await text(stream)]
  }
  const price = { ':path': '/atp/shop/price' }
  expect(await answer(price, '{"items":2}')).toEqual([200, '{"result":{"total":6}}'])
  expect(await answer({ ':path': '/atp/shop/ping' })).toEqual([200, '{"result":"pong"}'])
  const events = await answer({ ...price, accept: 'text/event-stream' }, '{"items":2}')
  expect(events).toEqual([200, 'id: 1\nevent: result\ndata: {"result":{"total":6}}\n\n'])
  expect((await answer(price, '{'))[0]).toBe(400)
  session.close()
})
