import { Toolkit, type ToolkitOptions } from '@atp/core'
import type { InjectOptions } from 'fastify'
import { z } from 'zod'

/** A toolkit for tests that are about Fastify rather than about the routes, which have a contract of their own. */
export function createShop(options: Partial<ToolkitOptions> = {}): Toolkit {
  const shop = new Toolkit({ appName: 'shop', ...options })
  shop.registerTool(
    { name: 'price', description: 'The price of a number of items', params: z.object({ items: z.number() }) },
    ({ items }) => ({ total: items * 3 }),
  )
  shop.registerTool({ name: 'ping', description: 'Says pong' }, () => 'pong')
  shop.registerTool({ name: 'call_id', description: 'Tells the id of its call' }, (_args, { callId }) => callId)
  shop.registerTool({ name: 'fail', description: 'Fails' }, () => {
    throw new Error('sold out')
  })
  return shop
}

/** An injected POST of JSON; a text is sent as it stands. */
export function jsonPost(url: string, body: unknown, headers: Record<string, string> = {}): InjectOptions {
  return {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  }
}
