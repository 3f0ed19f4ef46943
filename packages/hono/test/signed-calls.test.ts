import { Toolkit } from '@atp/core'
import { signCall } from '@atp/testing'
import { Hono, type MiddlewareHandler } from 'hono'
import { describe, expect, it } from 'vitest'
import { atp } from '../src/index.ts'

const key = 'atp_toolkit_hono'

/** Calls a tool behind a middleware as a server would. */
async function callBehind(middleware?: MiddlewareHandler): Promise<{ status: number; json: unknown }> {
  const toolkit = new Toolkit({ appName: 'shop', apiKey: key })
  toolkit.registerTool({ name: 'echo', description: '' }, (args) => args)
  const app = new Hono()
  if (middleware !== undefined) app.use(middleware)
  app.route('/', atp(toolkit))
  // Not as anybody would write it down again.
  const callId = crypto.randomUUID()
  const text = `{ "params": {"a":"\\u00fc"}, "deadline_ms": 3e4, "call_id": "${callId}", "toolkit": "shop", "tool": "echo" }\n`
  const { headers } = signCall({ key, toolkit: 'shop', tool: 'echo', callId, text })
  const response = await app.request('/atp/shop/echo', { method: 'POST', headers, body: text })
  return { status: response.status, json: await response.json() }
}

const ran = { status: 200, json: { result: { a: 'ü' } } }

describe('a call that a server signed', () => {
  it('runs', async () => {
    expect(await callBehind()).toEqual(ran)
  })

  it.each(['text', 'json', 'arrayBuffer', 'blob'] as const)(
    'runs behind a middleware that reads it as %s',
    async (how) => {
      const read: MiddlewareHandler = async (c, next) => {
        await c.req[how]()
        await next()
      }
      expect(await callBehind(read)).toEqual(ran)
    },
  )
})
