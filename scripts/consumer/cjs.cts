// The same with require, as many apps still are.
import assert = require('node:assert/strict')

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

import core = require('@atp/core')
import http = require('@atp/core/http')

import { atpRouter } from '@atp/express'

import atpFastify = require('@atp/fastify')

import { atp as honoAtp } from '@atp/hono'
import { AtpModule } from '@atp/nest'

import express = require('express')
import fastify = require('fastify')

import { Hono } from 'hono'
import { z } from 'zod'

const toolkit = new core.Toolkit({ appName: 'shop', apiKey: 'consumer-key' })
toolkit.registerTool(
  { name: 'add', description: 'Adds two numbers', params: z.object({ a: z.number(), b: z.number() }) },
  ({ a, b }) => a + b,
)
const init = {
  method: 'POST',
  headers: { authorization: 'Bearer consumer-key', 'content-type': 'application/json' },
  body: '{"a":1,"b":2}',
}

async function main(): Promise<void> {
  const server = express().use(atpRouter(toolkit)).listen(0)
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  assert.deepEqual(await (await fetch(`${url}/atp/shop/add`, init)).json(), { result: 3 })
  server.close()

  const app = fastify()
  await app.register(atpFastify.atp, { client: toolkit })
  const answer = await app.inject({ method: 'POST', url: '/atp/shop/add', headers: init.headers, payload: init.body })
  assert.deepEqual(answer.json(), { result: 3 })
  await app.close()

  const hono = new Hono().route('/', honoAtp(toolkit))
  assert.deepEqual(await (await hono.request('/atp/shop/add', init)).json(), { result: 3 })
  assert.equal(AtpModule.forRoot({ clients: [toolkit] }).module, AtpModule)
  assert.equal(typeof http.createAtpHandler(toolkit), 'function')
}

void main()
