import { setTimeout as wait } from 'node:timers/promises'
import { silentLogger } from '@atp/core'
import type { FastifyInstance } from 'fastify'
import { afterEach, expect, it } from 'vitest'
import { createHttpApp } from '../../src/gateway/http-app.ts'
import { defaultLimits } from '../../src/limits.ts'
import { sendRaw } from '../support/raw-http.ts'

let app: FastifyInstance

afterEach(async () => {
  await app.close()
})

const large = 'x'.repeat(100_000)

/** `/huge` answers with more than the buffers of the system hold, `/slow` after several times `stuckMs`. */
async function listen(stuckMs: number): Promise<string> {
  app = createHttpApp({
    limits: { ...defaultLimits, stuckMs },
    newId: () => 'id-1',
    checkOrigin: () => {},
    authenticate: () => Promise.reject(new Error('no route of these needs a key')),
    logger: silentLogger,
  })
  const open = { config: { access: 'open' } } as const
  app.get('/huge', open, async () => large.repeat(100))
  app.get('/large', open, async () => large)
  app.get('/slow', open, async () => {
    await wait(5 * stuckMs)
    return 'the slow answer'
  })
  return app.listen({ port: 0, host: '127.0.0.1' })
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`

it('lets a client go that takes nothing of a large answer', async () => {
  const url = await listen(50)
  await using raw = await sendRaw(url, '')
  const closed = new Promise((done) => app.server.once('connection', (socket) => socket.once('close', done)))
  await using deaf = await sendRaw(url, get('/huge'))
  deaf.socket.pause()
  await closed
  expect(raw.socket.destroyed).toBe(false)
})

it('takes the time that a call needs for no sign that its client does not read', async () => {
  const url = await listen(200)
  await using raw = await sendRaw(url, get('/large') + get('/slow'))
  expect(await raw.saw(/the slow answer/)).toContain(large)
  raw.socket.write(get('/slow'))
  await raw.saw(/the slow answer[\s\S]*the slow answer/)
})
