import { signCall } from '@atp/testing'
import type { INestApplication } from '@nestjs/common'
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express'
import { describe, expect, it } from 'vitest'
import { AtpModule } from '../../src/index.ts'
import { type Answer, send } from '../support/call.ts'
import { appModule } from '../support/module.ts'
import { platforms, startApp } from '../support/platforms.ts'
import { createShop } from '../support/shop.ts'

const key = 'atp_toolkit_nest'
const module = appModule({ imports: [AtpModule.forRoot({ clients: createShop({ apiKey: key }) })] })

/** Calls a tool of an app as a server would. */
function call(url: string): Promise<Answer> {
  const { headers, text: body } = signCall({ key, toolkit: 'shop', tool: 'echo', params: { text: 'ü' } })
  return send(`${url}/atp/shop/echo`, { method: 'POST', headers, body })
}

const ran = { status: 200, json: { result: { args: { text: 'ü' } } } }

describe.each(platforms)('a call that a server signed, on %s', (_platform, adapter) => {
  it('runs behind the parsers of Nest, which leave it unread', async () => {
    await using running = await startApp(module, adapter())
    expect(await call(running.url)).toMatchObject(ran)
  })

  it('runs where Nest keeps raw bodies', async () => {
    await using running = await startApp(module, adapter(), () => {}, { rawBody: true })
    expect(await call(running.url)).toMatchObject(ran)
  })
})

describe('a call that a server signed, behind a parser for every JSON', () => {
  it('is refused with what to do about it', async () => {
    const prepare = (app: INestApplication): unknown =>
      (app as NestExpressApplication).useBodyParser('json', { type: '*/*' })
    await using running = await startApp(module, new ExpressAdapter(), prepare, { bodyParser: false })
    const answer = await call(running.url)
    expect(answer).toMatchObject({ status: 415, json: { code: 'unsupported_media_type' } })
    expect(answer.json.error).toMatch(/leave application\/vnd\.atp\.call\+json unread/)
  })
})
