import assert from 'node:assert/strict'
import { once } from 'node:events'
import { errorOf } from './catalogue-tools.ts'
import { type Check, lostProduct, type ShopUnderTest } from './shop-under-test.ts'

interface Template {
  url: string
  auth?: { auth_type: string; api_key: string }
  headers?: Record<string, string>
}

/** The orders: tools below /staff, for who has a key, and for customers with their token. */
export function staffToolChecks(shop: ShopUnderTest): Check[] {
  const tool = (name: string): string => `/staff/atp/orders/${name}/`
  const statusOf = async (id: string): Promise<string | undefined> => {
    const { json } = await shop.send('POST', tool('list_orders'), { headers: shop.staff })
    const { orders } = (json as { result: { orders: { id: string; status: string }[] } }).result
    return orders.find((order) => order.id === id)?.status
  }
  return [
    [
      'GET /staff/utcp says where keys and tokens belong',
      async () => {
        const { json } = await shop.send('GET', '/staff/utcp')
        const { tools } = json as { tools: { name: string; tool_call_template: Template }[] }
        const template = tools.find(({ name }) => name === 'orders.my_orders')?.tool_call_template
        assert.equal(template?.url, `${shop.url}${tool('my_orders')}`)
        assert.equal(template?.auth?.auth_type, 'api_key')
        assert.equal(template?.headers?.['X-ATP-Auth-Token'], `\${LEAF_AND_KETTLE_AUTH_TOKEN}`)
      },
    ],
    [
      'GET /staff/atp/orders/ is open, as descriptions are',
      async () => assert.equal((await shop.send('GET', '/staff/atp/orders/')).status, 200),
    ],
    [
      'without a key, or with a wrong one, no tool of the staff runs',
      async () => {
        const bare = await shop.send('POST', tool('list_orders'))
        assert.equal(bare.status, 401)
        assert.equal(bare.headers.get('www-authenticate'), 'Bearer')
        const headers = { authorization: 'Bearer staff-key-of-a-stranger' }
        const wrong = await shop.send('POST', tool('list_orders'), { headers })
        assert.equal(wrong.status, 401)
        assert.equal(errorOf(wrong.json)[0], 'unauthorized')
      },
    ],
    [
      'with the key, the staff lists orders',
      async () => {
        const { id } = await shop.buy('ada@example.com', 'first-flush', { rooibos: 1 })
        assert.equal(await statusOf(id), 'paid')
      },
    ],
    [
      'my_orders needs the customer’s token, as a header or a member of the body',
      async () => {
        const { id, token } = await shop.buy('blaise@example.com', 'second-flush', { sencha: 1 })
        const without = await shop.send('POST', tool('my_orders'), { headers: shop.staff })
        assert.equal(without.status, 400)
        assert.equal(errorOf(without.json)[0], 'missing_token')
        const asHeader = await shop.send('POST', tool('my_orders'), {
          headers: { ...shop.staff, 'x-atp-auth-token': token },
        })
        const asMember = await shop.send('POST', tool('my_orders'), {
          headers: shop.staff,
          body: { auth_token: token },
        })
        assert.deepEqual(asHeader.json, asMember.json)
        const { result } = asHeader.json as { result: { customer: string; orders: { id: string }[] } }
        assert.equal(result.customer, 'Blaise')
        assert.equal(result.orders.at(-1)?.id, id)
      },
    ],
    [
      'cancel_my_order cancels the customer’s own order and nobody else’s',
      async () => {
        const ada = await shop.buy('ada@example.com', 'first-flush', { mint: 1 })
        const blaise = await shop.buy('blaise@example.com', 'second-flush', { mint: 1 })
        const cancel = (id: string): ReturnType<typeof shop.send> =>
          shop.send('POST', tool('cancel_my_order'), {
            headers: { ...shop.staff, 'x-atp-auth-token': ada.token },
            body: { orderId: id },
          })
        assert.deepEqual(errorOf((await cancel(blaise.id)).json), ['tool_error', `There is no order "${blaise.id}"`])
        assert.equal((await cancel(ada.id)).status, 200)
        assert.equal(await statusOf(ada.id), 'cancelled')
      },
    ],
    [
      'pack_order streams each line as it is picked, and ends with the result',
      async () => {
        const { id } = await shop.buy('ada@example.com', 'first-flush', { 'assam-2f': 2, rooibos: 1 })
        const { status, headers, text } = await shop.send('POST', tool('pack_order'), {
          headers: { ...shop.staff, accept: 'text/event-stream' },
          body: { orderId: id },
        })
        assert.equal(status, 200)
        assert.match(headers.get('content-type') ?? '', /^text\/event-stream/)
        const events = [...text.matchAll(/^id: (\d+)\nevent: (\w+)\ndata: (.*)\n\n/gm)]
        assert.deepEqual(
          events.map((event) => `${event[1]} ${event[2]}`),
          ['1 progress', '2 chunk', '3 progress', '4 chunk', '5 result'],
        )
        assert.deepEqual(JSON.parse(events[1]?.[3] ?? ''), { picked: 'Assam Second Flush', quantity: 2 })
        assert.match(JSON.parse(events[4]?.[3] ?? '').result.trackingCode, /^LK[0-9A-F]{8}$/)
        assert.equal(await statusOf(id), 'packed')
      },
    ],
    [
      'pack_order without streaming answers with the result alone, and refuses to pack twice',
      async () => {
        const { id } = await shop.buy('ada@example.com', 'first-flush', { rooibos: 1 })
        const pack = { headers: shop.staff, body: { orderId: id } }
        const packed = await shop.send('POST', tool('pack_order'), pack)
        assert.equal((packed.json as { result: { orderId: string } }).result.orderId, id)
        const again = await shop.send('POST', tool('pack_order'), pack)
        assert.deepEqual(errorOf(again.json), ['tool_error', `Order ${id} is packed, not paid`])
      },
    ],
    [
      'who hangs up while an order is packed stops the packing, and the order waits for the next one',
      async () => {
        const { id } = await shop.buy('ada@example.com', 'first-flush', { rooibos: 1, [lostProduct]: 1 })
        const lost = once(shop.warehouseEvents, 'lost')
        const stopped = once(shop.warehouseEvents, 'stopped')
        const caller = new AbortController()
        const response = await fetch(`${shop.url}${tool('pack_order')}`, {
          method: 'POST',
          headers: { ...shop.staff, accept: 'text/event-stream', 'content-type': 'application/json' },
          body: JSON.stringify({ orderId: id }),
          signal: caller.signal,
        })
        assert.equal(response.status, 200)
        await lost
        assert.equal(await statusOf(id), 'packing')
        caller.abort()
        await stopped
        assert.equal(await statusOf(id), 'paid')
      },
    ],
  ]
}
