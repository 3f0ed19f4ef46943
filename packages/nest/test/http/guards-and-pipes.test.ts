import {
  type ArgumentMetadata,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type PipeTransform,
  UnauthorizedException,
} from '@nestjs/common'
import { APP_GUARD, APP_PIPE } from '@nestjs/core'
import { describe, expect, it } from 'vitest'
import { AtpModule } from '../../src/index.ts'
import { post, send } from '../support/call.ts'
import { appModule } from '../support/module.ts'
import { platforms, startApp } from '../support/platforms.ts'
import { createShop } from '../support/shop.ts'

/** Lets a request in by a header; reads what it asks for, as guards do. */
const sessionGuard: CanActivate = {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest()
    if (headers['x-session'] === undefined) throw new UnauthorizedException('Sign in first')
    return headers['x-session'] === 'valid'
  },
}

const guarded = appModule({
  imports: [AtpModule.forRoot({ clients: createShop(), authorize: 'host' })],
  providers: [{ provide: APP_GUARD, useValue: sessionGuard }],
})
const session = { 'x-session': 'valid' }

describe.each(platforms)('guards of the app on %s', (_name, adapter) => {
  it("decide over every request where authorize is 'host'", async () => {
    await using running = await startApp(guarded, adapter())
    const url = `${running.url}/atp/shop/echo`
    expect(await post(url, { text: 'a' }, session)).toMatchObject({ status: 200 })
    expect(await post(url)).toMatchObject({ status: 401, json: { message: 'Sign in first' } })
    expect(await post(url, {}, { 'x-session': 'old' })).toMatchObject({ status: 403 })
    for (const path of ['/atp', '/atp/', '/atp/shop/echo/', '/utcp', '/utcp/', '/atp/openapi.json', '/atp/none']) {
      for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE']) {
        expect([path, method, (await send(running.url + path, { method })).status]).toEqual([path, method, 401])
      }
    }
  })

  it.each([
    ['JSON that is none', 'application/json', '{"a":'],
    ['an empty JSON body', 'application/json', ''],
    ['a type that no parser takes', 'application/vnd.a+json', '{"text":"a"}'],
    ['a type that nobody takes', 'application/xml', '<a/>'],
    ['a type that is none', 'nonsense', 'a'],
    ['a charset that nobody knows', 'application/json; charset=klingon', '{}'],
  ])('decide before anything is said of %s', async (_title, type, body) => {
    await using running = await startApp(guarded, adapter())
    const url = `${running.url}/atp/shop/echo`
    const init = (headers: Record<string, string>) => ({
      method: 'POST',
      body,
      headers: { 'content-type': type, ...headers },
    })
    expect(await send(url, init({}))).toMatchObject({ status: 401, json: { message: 'Sign in first' } })
    expect((await send(url, init(session))).json).toSatisfy((json) => 'request_id' in json || 'result' in json)
  })

  it('see the body that the app has parsed, and the headers as they came', async () => {
    const seen: unknown[] = []
    const guard: CanActivate = {
      canActivate(context) {
        const { body, headers } = context.switchToHttp().getRequest()
        seen.push([headers['content-type'], body])
        return true
      },
    }
    const module = appModule({
      imports: [AtpModule.forRoot({ clients: createShop(), authorize: 'host' })],
      providers: [{ provide: APP_GUARD, useValue: guard }],
    })
    await using running = await startApp(module, adapter())
    await post(`${running.url}/atp/shop/echo`, { text: 'a' })
    const form = new FormData()
    form.set('text', 'b')
    const answer = await send(`${running.url}/atp/shop/echo`, { method: 'POST', body: form })
    expect(answer.json.result.args).toEqual({ text: 'b' })
    expect(seen).toEqual([
      ['application/json', { text: 'a' }],
      [expect.stringMatching(/^multipart\/form-data; boundary=/), undefined],
    ])
  })
})

describe.each(platforms)('pipes of the app on %s', (_name, adapter) => {
  it('change the arguments of a call', async () => {
    const pipe: PipeTransform = {
      transform: (value: { text?: string } | undefined, { type }: ArgumentMetadata) =>
        type === 'body' && value?.text ? { text: value.text.trim() } : value,
    }
    const module = appModule({
      imports: [AtpModule.forRoot({ clients: createShop(), authorize: 'public' })],
      providers: [{ provide: APP_PIPE, useValue: pipe }],
    })
    await using running = await startApp(module, adapter())
    expect((await post(`${running.url}/atp/shop/echo`, { text: '  a ' })).json.result.args).toEqual({ text: 'a' })
    expect((await send(`${running.url}/atp`)).status).toBe(200)
  })
})

describe.each(platforms)('what an app sets on its answers on %s', (_name, adapter) => {
  it('stands on ours: CORS', async () => {
    const module = appModule({ imports: [AtpModule.forRoot({ clients: createShop(), authorize: 'public' })] })
    const prepare = (app: INestApplication): void => app.enableCors({ origin: 'https://a.example' })
    await using running = await startApp(module, adapter(), prepare)
    const answer = await post(`${running.url}/atp/shop/echo`, {}, { origin: 'https://a.example' })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, 'https://a.example'])
    const stream = await post(`${running.url}/atp/shop/echo`, {}, { accept: 'text/event-stream' })
    expect([stream.status, stream.headers.get('access-control-allow-origin')]).toEqual([200, 'https://a.example'])
  })
})
