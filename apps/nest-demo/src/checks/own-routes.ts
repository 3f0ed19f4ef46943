import assert from 'node:assert/strict'
import { type Check, keys, type ServiceUnderTest } from './service-under-test.ts'

/** The service works as it did before it had tools. */
export function ownRouteChecks(service: ServiceUnderTest): Check[] {
  return [
    [
      'GET /parts is open to all',
      async () => {
        const { status, json } = await service.send('GET', '/parts?text=700')
        assert.equal(status, 200)
        assert.deepEqual(
          (json as { sku: string }[]).map(({ sku }) => sku),
          ['tube-700', 'tyre-700-28'],
        )
      },
    ],
    [
      'POST /sessions gives a token to who knows the password',
      async () => {
        const body = { email: 'ines@example.com', password: 'lock-ring' }
        assert.match(((await service.send('POST', '/sessions', { body })).json as { token: string }).token, /^cog_/)
        const wrong = await service.send('POST', '/sessions', { body: { ...body, password: 'lock' } })
        assert.equal(wrong.status, 401)
        assert.equal((await service.send('POST', '/sessions', { body: {} })).status, 400)
      },
    ],
    [
      "POST /orders wants a customer's token, and keeps the order",
      async () => {
        const body = { lines: [{ sku: 'chain-11', quantity: 2 }] }
        assert.equal((await service.send('POST', '/orders', { body })).status, 401)
        const bearer = await signIn(service, 'ines@example.com', 'lock-ring')
        const { status, json } = await service.send('POST', '/orders', { body, bearer })
        assert.equal(status, 201)
        assert.deepEqual(json, {
          id: 1002,
          customerId: 'c-ines',
          status: 'placed',
          handledBy: null,
          lines: [{ sku: 'chain-11', quantity: 2, pricePence: 2450 }],
          totalPence: 4900,
        })
        const unknown = { lines: [{ sku: 'bell', quantity: 1 }] }
        assert.equal((await service.send('POST', '/orders', { body: unknown, bearer })).status, 404)
      },
    ],
    [
      'GET /orders/:id is for the staff',
      async () => {
        assert.equal((await service.send('GET', '/orders/1001')).status, 401)
        const { json } = await service.send('GET', '/orders/1001', { bearer: keys.staff })
        assert.equal((json as { totalPence: number }).totalPence, 8600)
        assert.equal((await service.send('GET', '/orders/77', { bearer: keys.staff })).status, 404)
      },
    ],
    [
      'other paths are 404, in the words of the app',
      async () => {
        const { status, json } = await service.send('GET', '/atpx', { bearer: keys.staff })
        assert.equal(status, 404)
        assert.deepEqual(json, { message: 'Cannot GET /atpx', error: 'Not Found', statusCode: 404 })
      },
    ],
  ]
}

/** A customer's token. */
export async function signIn(service: ServiceUnderTest, email: string, password: string): Promise<string> {
  return ((await service.send('POST', '/sessions', { body: { email, password } })).json as { token: string }).token
}
