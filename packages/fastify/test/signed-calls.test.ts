import { signCall } from '@atp/testing'
import { type FastifyInstance, fastify } from 'fastify'
import { describe, expect, it } from 'vitest'
import { atp } from '../src/index.ts'
import { createShop } from './support.ts'

const key = 'atp_toolkit_fastify'

/** Calls a tool of an app as a server would. */
async function call(prepare: (app: FastifyInstance) => void = () => {}): Promise<{ status: number; json: unknown }> {
  await using app = fastify()
  prepare(app)
  await app.register(atp, { client: createShop({ apiKey: key }) })
  const { headers, text: payload } = signCall({ key, toolkit: 'shop', tool: 'price', params: { items: 2 } })
  const answer = await app.inject({ method: 'POST', url: '/atp/shop/price', headers, payload })
  return { status: answer.statusCode, json: answer.json() }
}

const ran = { status: 200, json: { result: { total: 6 } } }

describe('a call that a server signed', () => {
  it('runs where the app has no parser for it', async () => {
    expect(await call()).toEqual(ran)
  })

  it('runs behind a parser of the app that keeps the bytes', async () => {
    const keepBytes = (app: FastifyInstance): void => {
      app.addContentTypeParser(/^application\/.*\+json/, { parseAs: 'buffer' }, (_request, body, done) =>
        done(null, body),
      )
    }
    expect(await call(keepBytes)).toEqual(ran)
  })

  it('is refused behind a parser of the app that takes every JSON, with what to do about it', async () => {
    const parseAll = (app: FastifyInstance): void => {
      app.addContentTypeParser(/^application\/.*json/, { parseAs: 'string' }, (_request, body, done) => {
        done(null, JSON.parse(String(body)))
      })
    }
    expect(await call(parseAll)).toMatchObject({
      status: 415,
      json: { error: expect.stringMatching(/leave application\/vnd\.atp\.call\+json unread/) },
    })
  })
})
