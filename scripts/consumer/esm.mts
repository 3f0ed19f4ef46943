// What a user writes who has only the packed packages: every adapter, as ESM.
import 'reflect-metadata'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type AtpHttpOptions, createFetchHandler, LLMClient, ToolKitClient, Toolkit } from '@atp/core'
import { createAtpHandler } from '@atp/core/http'
import { providerFormat } from '@atp/core/protocol'
import { atpRouter } from '@atp/express'
import atpPlugin, { atp as namedAtpPlugin } from '@atp/fastify'
import { atp as honoAtp } from '@atp/hono'
import { AtpModule, AtpTool, AtpToolkit } from '@atp/nest'
import { createServer } from '@atp/server'
import { NestFactory } from '@nestjs/core'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { z } from 'zod'

const key = 'consumer-key'
const toolkit = new Toolkit({ appName: 'shop', apiKey: key })
toolkit.registerTool(
  { name: 'add', description: 'Adds two numbers', params: z.object({ a: z.number(), b: z.number() }) },
  ({ a, b }) => {
    // Types come from the schema: these lines would not compile otherwise.
    const sum: number = a + b
    return sum
  },
)
toolkit.registerTool(
  { name: 'wrong', description: 'Shows that types are checked', params: z.object({ a: z.number() }) },
  ({ a }) => {
    // @ts-expect-error a is a number
    const text: string = a
    return text
  },
)
const init = {
  method: 'POST',
  headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
  body: '{"a":1,"b":2}',
}

async function tryRoutes(name: string, base: string): Promise<void> {
  const answer = await fetch(`${base}/atp/shop/add`, init)
  assert.deepEqual([answer.status, await answer.json()], [200, { result: 3 }], name)
  assert.equal((await fetch(`${base}/atp/shop/add`, { method: 'POST' })).status, 401, name)
}

const expressServer = express().use(atpRouter(toolkit)).listen(0)
await once(expressServer, 'listening')
await tryRoutes('express', `http://127.0.0.1:${(expressServer.address() as AddressInfo).port}`)
expressServer.close()

const fastifyApp = fastify()
await fastifyApp.register(atpPlugin, { client: toolkit, prefix: '/api' })
assert.equal(atpPlugin, namedAtpPlugin)
await tryRoutes('fastify', `${await fastifyApp.listen({ port: 0 })}/api`)
await fastifyApp.close()

const honoApp = new Hono().route('/', honoAtp(toolkit))
assert.deepEqual(await (await honoApp.request('/atp/shop/add', init)).json(), { result: 3 })

// As calls, because Node runs this file's output: decorator syntax does the same.
class Orders {
  find({ id }: { id: number }): string {
    return `order ${id}`
  }
}
AtpTool({ description: 'Finds an order', params: z.object({ id: z.number() }) })(
  Orders.prototype,
  'find',
  Object.getOwnPropertyDescriptor(Orders.prototype, 'find') as TypedPropertyDescriptor<Orders['find']>,
)
AtpToolkit('orders', { apiKey: key })(Orders)
class App {}
Reflect.defineMetadata('imports', [AtpModule.forRoot({ clients: [toolkit] })], App)
Reflect.defineMetadata('providers', [Orders], App)
const nest = await NestFactory.create(App, { logger: false })
await nest.listen(0)
const nestUrl = (await nest.getUrl()).replace('[::1]', 'localhost')
await tryRoutes('nest', nestUrl)
const order = await fetch(`${nestUrl}/atp/orders/find`, { ...init, body: '{"id":7}' })
assert.deepEqual(await order.json(), { result: 'order 7' })
await nest.close()

// Declarations lead to the frameworks' own types: where one is lost, "native" is any and these lines fail.
atpRouter(toolkit, {
  // @ts-expect-error it is a Request of Express
  env: (request): number => request,
})
honoAtp(toolkit, {
  // @ts-expect-error it is a Context of Hono
  env: (context): number => context,
})
await fastify().register(atpPlugin, {
  client: toolkit,
  // @ts-expect-error it is a FastifyRequest
  env: (request): number => request,
})

const options: AtpHttpOptions = { authorize: { keys: [key] } }
const handle = createFetchHandler(toolkit, options)
assert.equal((await handle(new Request('http://localhost/atp/shop/add', init))).status, 200)
assert.equal(typeof createAtpHandler(toolkit), 'function')
assert.equal(providerFormat('anthropic').name, 'anthropic')
assert.equal(typeof createServer, 'function')
assert.equal(new ToolKitClient({ appName: 'x', apiKey: 'atp_toolkit_x' }).state, 'idle')
assert.equal(typeof LLMClient, 'function')
