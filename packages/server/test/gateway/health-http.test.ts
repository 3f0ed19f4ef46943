import { fastify } from 'fastify'
import { expect, it } from 'vitest'
import { registerHealthHttp } from '../../src/gateway/health-http.ts'

it('asks the database once, however many ask whether the server is ready, and again for those who come later', async () => {
  const app = fastify()
  const asked: ((ready: boolean) => void)[] = []
  registerHealthHttp(app, () => new Promise((resolve) => void asked.push(resolve)))
  const together = Promise.all(Array.from({ length: 20 }, () => app.inject('/readyz')))
  await expect.poll(() => asked.length).toBe(1)
  // All of them are here: this one came last.
  expect((await app.inject('/healthz')).statusCode).toBe(200)
  asked[0]?.(false)
  expect((await together).map(({ statusCode }) => statusCode)).toEqual(Array.from({ length: 20 }, () => 503))
  const later = app.inject('/readyz')
  await expect.poll(() => asked.length).toBe(2)
  asked[1]?.(true)
  expect((await later).statusCode).toBe(200)
})
