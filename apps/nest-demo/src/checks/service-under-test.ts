import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { INestApplication } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { withSettings } from '../app.module.ts'

/** A title, and what rejects when it does not hold. */
export type Check = [title: string, run: () => Promise<void>]

/** What a route answered. */
export interface Answer {
  status: number
  json: unknown
  headers: Headers
}

/** Keys of the staff in the checks. */
export const keys = { staff: 'key-of-rosa', lead: 'key-of-ben' } as const

/** The service on a free port, with a database of its own that is thrown away. */
export class ServiceUnderTest {
  url = ''
  private folder = ''
  private app: INestApplication | undefined

  async open(): Promise<void> {
    this.folder ||= await mkdtemp(join(tmpdir(), 'nest-demo-'))
    const staff = [
      { name: 'Rosa', key: keys.staff, isLead: false },
      { name: 'Ben', key: keys.lead, isLead: true },
    ]
    // Long enough for a hang-up to arrive before the next part is picked, also on a busy machine.
    const settings = { databasePath: join(this.folder, 'orders.sqlite'), staff, pickMs: 500 }
    this.app = await NestFactory.create(withSettings(settings), { logger: ['error', 'fatal'] })
    await this.app.listen(0, '127.0.0.1')
    this.url = await this.app.getUrl()
  }

  /** Ends the service; `open` starts it again on the same database. */
  async close(): Promise<void> {
    await this.app?.close()
  }

  async throwAway(): Promise<void> {
    await this.close()
    await rm(this.folder, { recursive: true, force: true })
  }

  async send(
    method: string,
    path: string,
    options: { body?: unknown; bearer?: string; token?: string } = {},
  ): Promise<Answer> {
    const { body, bearer, token } = options
    const headers = new Headers()
    if (body !== undefined) headers.set('content-type', 'application/json')
    if (bearer !== undefined) headers.set('authorization', `Bearer ${bearer}`)
    if (token !== undefined) headers.set('x-atp-auth-token', token)
    const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body)
    const response = await fetch(this.url + path, { method, headers, body: text })
    const type = response.headers.get('content-type') ?? ''
    const json = method !== 'HEAD' && type.startsWith('application/json') ? await response.json() : undefined
    return { status: response.status, json, headers: response.headers }
  }

  /** Runs a tool as Rosa, unless somebody else is named. */
  tool(name: string, body: unknown = {}, options: { bearer?: string; token?: string } = {}): Promise<Answer> {
    return this.send('POST', `/atp/orders/${name}/`, { body, bearer: keys.staff, ...options })
  }

  /** Runs a tool as Rosa, and hands over its events as they come. */
  async *events(name: string, body: unknown, signal?: AbortSignal): AsyncGenerator<{ event: string; data: unknown }> {
    const response = await fetch(`${this.url}/atp/orders/${name}/`, {
      method: 'POST',
      headers: {
        accept: 'text/event-stream',
        authorization: `Bearer ${keys.staff}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
      signal: signal ?? null,
    })
    let text = ''
    for await (const piece of response.body ?? []) {
      text += Buffer.from(piece).toString()
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const [, event, data] = /^id: \d+\nevent: (\w+)\ndata: (.*)$/.exec(text.slice(0, end)) ?? []
        text = text.slice(end + 2)
        if (event !== undefined && data !== undefined) yield { event, data: JSON.parse(data) }
      }
    }
  }
}
