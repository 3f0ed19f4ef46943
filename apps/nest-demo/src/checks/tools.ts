import assert from 'node:assert/strict'
import { errorOf } from './metadata.ts'
import { signIn } from './own-routes.ts'
import { type Check, keys, type ServiceUnderTest } from './service-under-test.ts'

interface Result<T> {
  result: T
}
type Status = Result<{ status: string; handledBy: string | null }>

/** The tools at work. They change orders, so the checks stand in their order. */
export function toolChecks(service: ServiceUnderTest): Check[] {
  return [
    [
      'no tool runs without a key of the staff',
      async () => {
        for (const options of [{}, { bearer: 'key-of-nobody' }]) {
          const { status, json } = await service.send('POST', '/atp/orders/list_orders/', { body: {}, ...options })
          assert.equal(status, 401)
          assert.match((json as { message: string }).message, /^This is for the staff/)
        }
      },
    ],
    [
      'find_parts, list_orders and get_order answer from the database',
      async () => {
        const parts = (await service.tool('find_parts', { text: 'brake' })).json as Result<{ parts: unknown[] }>
        assert.deepEqual(parts.result.parts, [
          { sku: 'pads-disc', name: 'Brake pads, disc', pricePence: 1400, stock: 3 },
        ])
        const placed = (await service.tool('list_orders', { status: 'placed' })).json as Result<{
          orders: { id: number }[]
        }>
        assert.deepEqual(
          placed.result.orders.map(({ id }) => id),
          [1001, 1002],
        )
        assert.equal(((await service.tool('get_order', { id: 1001 })).json as Status).result.status, 'placed')
      },
    ],
    [
      'arguments come from forms, too',
      async () => {
        const response = await fetch(`${service.url}/atp/orders/get_order/`, {
          method: 'POST',
          headers: { authorization: `Bearer ${keys.staff}` },
          body: new URLSearchParams({ id: '1002' }),
        })
        assert.equal(((await response.json()) as Result<{ customerId: string }>).result.customerId, 'c-ines')
      },
    ],
    [
      'what the service refuses, what is missing, what does not fit and what is no JSON are errors with a code',
      async () => {
        const refused = await service.tool('get_order', { id: 7 })
        assert.deepEqual([refused.status, ...errorOf(refused.json)], [400, 'tool_error', 'There is no order 7'])
        assert.equal(errorOf((await service.tool('get_order')).json)[0], 'missing_params')
        assert.equal(errorOf((await service.tool('get_order', { id: 'x' })).json)[0], 'invalid_params')
        assert.equal(errorOf((await service.tool('get_order', '{"id":')).json)[0], 'invalid_json')
      },
    ],
    [
      "my_orders acts with the customer's own token, and without it for nobody",
      async () => {
        assert.equal(errorOf((await service.tool('my_orders')).json)[0], 'missing_token')
        assert.equal(errorOf((await service.tool('my_orders', {}, { token: 'cog_no' })).json)[1], 'Sign in first')
        const token = await signIn(service, 'omar@example.com', 'star-nut')
        const fromHeader = await service.tool('my_orders', {}, { token })
        const { result } = fromHeader.json as Result<{ customer: string; orders: { id: number }[] }>
        assert.deepEqual([result.customer, result.orders.map(({ id }) => id)], ['Omar', [1001]])
        assert.deepEqual((await service.tool('my_orders', { auth_token: token })).json, fromHeader.json)
      },
    ],
    [
      'who hangs up while an order is picked stops the picking, and the order waits for the next one',
      async () => {
        const hangUp = new AbortController()
        await assert.rejects(async () => {
          for await (const _event of service.events('pick_order', { id: 1001 }, hangUp.signal)) hangUp.abort()
        })
        assert.equal(((await service.tool('get_order', { id: 1001 })).json as Status).result.status, 'placed')
      },
    ],
    [
      'pick_order streams each part as it is fetched, and ends with the order',
      async () => {
        const seen: { event: string; data: unknown }[] = []
        for (let attempt = 0; attempt < 40 && seen.at(-1)?.event !== 'result'; attempt += 1) {
          // The picker before may still be on the way out.
          seen.length = 0
          for await (const event of service.events('pick_order', { id: 1001 })) seen.push(event)
        }
        assert.deepEqual(
          seen.map(({ event }) => event),
          ['progress', 'chunk', 'progress', 'chunk', 'result'],
        )
        assert.deepEqual(seen[1]?.data, { part: 'Inner tube, 700 x 25-32', quantity: 4 })
        assert.equal((seen.at(-1)?.data as Status | undefined)?.result.status, 'picked')
        const again = await service.tool('pick_order', { id: 1001 })
        assert.deepEqual(errorOf(again.json), ['tool_error', 'Order 1001 is picked'])
        const { result } = (await service.tool('find_parts', { text: 'tyre' })).json as Result<{
          parts: { stock: number }[]
        }>
        assert.equal(result.parts[0]?.stock, 28)
      },
    ],
    [
      'ship_order notes who called: the class is made anew for each request',
      async () => {
        const { result } = (await service.tool('ship_order', { id: 1001 })).json as Status
        assert.deepEqual([result.status, result.handledBy], ['shipped', 'Rosa'])
        assert.equal(
          errorOf((await service.tool('ship_order', { id: 1002 })).json)[1],
          'Order 1002 is placed, not picked',
        )
      },
    ],
    [
      'cancel_order has a guard of its own: only a lead may',
      async () => {
        const refused = await service.tool('cancel_order', { id: 1002 })
        assert.deepEqual(errorOf(refused.json), ['tool_error', 'Only a lead may do this'])
        const { result } = (await service.tool('cancel_order', { id: 1002 }, { bearer: keys.lead })).json as Status
        assert.deepEqual([result.status, result.handledBy], ['cancelled', 'Ben'])
      },
    ],
    [
      'orders outlive the service: they are in the file',
      async () => {
        await service.close()
        await service.open()
        assert.equal(((await service.tool('get_order', { id: 1001 })).json as Status).result.status, 'shipped')
      },
    ],
  ]
}
