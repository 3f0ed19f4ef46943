import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { CanActivate, Type } from '@nestjs/common'
import { APP_GUARD } from '@nestjs/core'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { describe, expect, it } from 'vitest'
import { AtpModule } from '../../src/index.ts'
import { post, send } from '../support/call.ts'
import { appModule } from '../support/module.ts'
import { startApp } from '../support/platforms.ts'
import { createShop } from '../support/shop.ts'

const session = { 'x-session': 'valid' }

/** An app whose own guards decide over calls. */
function hosted(guard?: CanActivate): Type {
  return appModule({
    imports: [AtpModule.forRoot({ clients: createShop(), authorize: 'host' })],
    providers: guard === undefined ? [] : [{ provide: APP_GUARD, useValue: guard }],
  })
}

describe('hooks of a Fastify app', () => {
  it('see our answers, and may take their time with them', async () => {
    const module = appModule({ imports: [AtpModule.forRoot({ clients: createShop(), authorize: 'public' })] })
    const fastify = new FastifyAdapter()
    await using running = await startApp(module, fastify, (app) => {
      const instance: FastifyInstance = app.getHttpAdapter().getInstance()
      instance.addHook('onSend', async (_request, reply, payload) => {
        await new Promise((resolve) => setImmediate(resolve))
        reply.header('x-seen', typeof payload)
        return payload
      })
    })
    const plain = await post(`${running.url}/atp/shop/echo`, { text: 'a' })
    expect([plain.status, plain.headers.get('x-seen'), plain.json.result.args]).toEqual([200, 'string', { text: 'a' }])
    const stream = await post(`${running.url}/atp/shop/echo`, {}, { accept: 'text/event-stream' })
    expect([stream.headers.get('x-seen'), stream.text.split('\n')[1]]).toEqual(['object', 'event: result'])
  })

  it('stay in force for bodies that no parser takes', async () => {
    const seen: string[] = []
    await using running = await startApp(hosted(), new FastifyAdapter(), (app) => {
      const instance: FastifyInstance = app.getHttpAdapter().getInstance()
      instance.addHook('preHandler', async (request, reply) => {
        seen.push(request.headers['content-type'] ?? 'none')
        if (request.headers['x-session'] !== 'valid') return reply.code(403).send('hook')
      })
    })
    const form = new FormData()
    form.set('text', 'b')
    const url = `${running.url}/atp/shop/echo`
    expect(await send(url, { method: 'POST', body: form })).toMatchObject({ status: 403, text: 'hook' })
    expect(await send(url, { method: 'POST', body: form, headers: session })).toMatchObject({ status: 200 })
    expect(await send(url, { method: 'POST', headers: session })).toMatchObject({ status: 200 })
    expect(await post(url, '')).toMatchObject({ status: 403, text: 'hook' })
    expect(await post(url, '', session)).toMatchObject({ status: 200 })
    const multipart = expect.stringContaining('multipart')
    expect(seen).toEqual([multipart, multipart, 'none', 'application/json', 'application/json'])
    // What cannot be parsed never comes to the hook, nor to a tool.
    expect((await post(url, '{"text":')).status).toBe(400)
    expect(seen).toHaveLength(5)
  })

  it('and guards see no arguments in JSON whose end comes at once, and all of what comes in pieces', async () => {
    const seen: unknown[] = []
    const guard: CanActivate = { canActivate: (context) => seen.push(context.switchToHttp().getRequest().body) > 0 }
    await using running = await startApp(hosted(guard), new FastifyAdapter(), (app) => {
      const instance: FastifyInstance = app.getHttpAdapter().getInstance()
      instance.addHook('preHandler', async (request) => void seen.push(request.body))
    })
    const ask = async (...pieces: string[]): Promise<number | undefined> => {
      const headers = { 'content-type': 'application/json' }
      const asked = request(`${running.url}/atp/shop/echo`, { method: 'POST', headers })
      asked.flushHeaders()
      for (const piece of pieces) asked.write(piece)
      asked.end()
      const [answer] = (await once(asked, 'response')) as [IncomingMessage]
      return answer.resume().statusCode
    }
    expect([await ask(), await ask('{"text":', '"a"}'), await ask('{"text":')]).toEqual([200, 200, 400])
    expect(seen).toEqual([{}, {}, { text: 'a' }, { text: 'a' }, undefined])
    expect(await ask('{"text":"', 'x'.repeat(1_048_576), '"}')).toBe(413)
  })

  it('are told of a client that leaves in the middle of its JSON', async () => {
    const begun = Promise.withResolvers<void>()
    const failed = Promise.withResolvers<string | undefined>()
    await using running = await startApp(hosted(), new FastifyAdapter(), (app) => {
      const instance: FastifyInstance = app.getHttpAdapter().getInstance()
      instance.addHook('preParsing', async () => begun.resolve())
      instance.addHook('onError', async (_request, _reply, error) => failed.resolve(error.code))
    })
    const headers = { 'content-type': 'application/json' }
    const asked = request(`${running.url}/atp/shop/echo`, { method: 'POST', headers }).on('error', () => {})
    asked.write('{"text":')
    await begun.promise
    asked.destroy()
    expect(await failed.promise).toBe('ECONNRESET')
  })

  const requests: [string, RequestInit & { path?: string; type?: string }][] = [
    ['JSON', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}', type: 'application/json' }],
    ['empty JSON', { method: 'POST', headers: { 'content-type': 'application/json' }, type: 'application/json' }],
    ['no body', { method: 'POST' }],
    [
      '+json',
      { method: 'POST', headers: { 'content-type': 'application/a+json' }, body: '{}', type: 'application/a+json' },
    ],
    ['a form', { method: 'POST', body: new URLSearchParams({ text: 'a' }), type: 'application/x-www-form-urlencoded' }],
    ['multipart', { method: 'POST', body: formOf('text', 'a'), type: 'multipart/form-data' }],
    ['a GET', { path: '/utcp' }],
  ]
  const stages = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const
  const ways = ['in a new object', 'in place'] as const

  describe.each(stages.flatMap((stage) => ways.map((way) => [stage, way] as const)))(
    'that change headers in %s, %s',
    (stage, way) => {
      it.each(requests)('are believed by guards of a request with %s', async (_what, { path, type, ...init }) => {
        const seen: unknown[] = []
        const userGuard: CanActivate = {
          canActivate(context) {
            const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>()
            seen.push(headers['content-type']?.split(';', 1)[0])
            return headers['x-user'] === 'admin'
          },
        }
        await using running = await startApp(hosted(userGuard), new FastifyAdapter(), (app) => {
          const instance: FastifyInstance = app.getHttpAdapter().getInstance()
          instance.addHook(stage, async (request: FastifyRequest) => {
            const user = request.headers['x-session'] === 'valid' ? 'admin' : undefined
            if (way === 'in place') request.headers['x-user'] = user
            // Its type leaves out that it can be set, which Fastify documents.
            else Object.assign(request, { headers: { ...request.headers, 'x-user': user } })
          })
        })
        const ask = async (headers: Record<string, string>): Promise<number> =>
          (await send(running.url + (path ?? '/atp/shop/echo'), { ...init, headers: { ...init.headers, ...headers } }))
            .status
        expect([await ask({ 'x-user': 'admin' }), await ask({}), await ask(session)]).toEqual([403, 403, 200])
        expect(seen).toEqual([type, type, type])
      })
    },
  )

  it('see the headers as they came where one of them fails after parsing', async () => {
    const seen: unknown[] = []
    await using running = await startApp(hosted(), new FastifyAdapter(), (app) => {
      const instance: FastifyInstance = app.getHttpAdapter().getInstance()
      instance.addHook('onResponse', async ({ headers }) => void seen.push(headers['content-type']))
      instance.addHook('preValidation', async () => {
        throw new Error('not now')
      })
    })
    const headers = { 'content-type': 'application/a+json' }
    await send(`${running.url}/atp/shop/echo`, { method: 'POST', body: '{}', headers })
    await expect.poll(() => seen).toEqual(['application/a+json'])
  })

  it('that come after parsing are not passed by with a broken body where none is needed', async () => {
    await using running = await startApp(hosted(), new FastifyAdapter(), (app) => {
      const instance: FastifyInstance = app.getHttpAdapter().getInstance()
      instance.addHook('preHandler', async (_request, reply) => reply.code(403).send('Sign in first'))
    })
    const init = { method: 'OPTIONS', headers: { 'content-type': 'application/json' } }
    expect((await send(`${running.url}/atp/shop/echo`, { ...init, body: '{}' })).status).toBe(403)
    const answer = await send(`${running.url}/atp/shop/echo`, { ...init, body: '{' })
    expect([answer.status, answer.headers.get('allow')]).toEqual([400, null])
  })

  it('have the last word where they refuse a request, whatever its body is', async () => {
    const module = appModule({ imports: [AtpModule.forRoot({ clients: createShop(), authorize: 'public' })] })
    await using running = await startApp(module, new FastifyAdapter(), (app) => {
      const instance: FastifyInstance = app.getHttpAdapter().getInstance()
      instance.addHook('onRequest', async () => {
        throw Object.assign(new SyntaxError('Your ticket is torn'), { statusCode: 400 })
      })
    })
    // What the app makes of it is its own business; Nest says nothing of errors it does not know.
    expect((await post(`${running.url}/atp/shop/echo`, { text: 'a' })).json).toMatchObject({ statusCode: 500 })
    expect((await send(`${running.url}/atp`)).json).toMatchObject({ statusCode: 500 })
  })
})

function formOf(name: string, value: string): FormData {
  const form = new FormData()
  form.set(name, value)
  return form
}
