import assert from 'node:assert/strict'
import type { Check, ShopUnderTest } from './shop-under-test.ts'

/** The shop works as it did before it had tools. */
export function ownRouteChecks(shop: ShopUnderTest): Check[] {
  let token = ''
  let basket = ''
  return [
    [
      'GET / shows the shop window as HTML',
      async () => {
        const { status, headers, text } = await shop.send('GET', '/')
        assert.equal(status, 200)
        assert.match(headers.get('content-type') ?? '', /^text\/html/)
        assert.match(text, /Darjeeling First Flush/)
      },
    ],
    [
      'GET /products finds by words, GET /products/:sku tells one',
      async () => {
        const { json } = await shop.send('GET', '/products?text=smoked')
        assert.deepEqual(
          (json as { sku: string }[]).map(({ sku }) => sku),
          ['lapsang'],
        )
        assert.equal(((await shop.send('GET', '/products/mint')).json as { name: string }).name, 'Moroccan Mint')
        assert.equal((await shop.send('GET', '/products/coffee')).status, 404)
      },
    ],
    [
      'POST /sign-in gives a token to who knows the password',
      async () => {
        const body = { email: 'ada@example.com', password: 'first-flush' }
        token = ((await shop.send('POST', '/sign-in', { body })).json as { token: string }).token
        assert.match(token, /^tea_/)
        assert.equal((await shop.send('POST', '/sign-in', { body: { ...body, password: 'x' } })).status, 401)
        assert.equal((await shop.send('POST', '/sign-in', { body: { email: 1 } })).status, 400)
      },
    ],
    [
      'POST /baskets, PUT and GET fill a basket and tell what it costs',
      async () => {
        const opened = await shop.send('POST', '/baskets')
        assert.equal(opened.status, 201)
        basket = (opened.json as { id: string }).id
        await shop.send('PUT', `/baskets/${basket}/mint`, { body: { quantity: 2 } })
        assert.deepEqual((await shop.send('GET', `/baskets/${basket}`)).json, {
          lines: [{ sku: 'mint', quantity: 2 }],
          goodsPence: 1080,
          deliveryPence: 395,
          totalPence: 1475,
        })
      },
    ],
    [
      'POST /baskets/:id/checkout sells to a signed-in customer only',
      async () => {
        const path = `/baskets/${basket}/checkout`
        assert.equal((await shop.send('POST', path)).status, 401)
        const sold = await shop.send('POST', path, { headers: { authorization: `Bearer ${token}` } })
        assert.equal(sold.status, 201)
        assert.equal((sold.json as { totalPence: number }).totalPence, 1475)
      },
    ],
    [
      'paths that belong to nobody are the app’s own 404',
      async () => {
        const { status, headers } = await shop.send('GET', '/atpx')
        assert.equal(status, 404)
        assert.match(headers.get('content-type') ?? '', /^text\/html/)
      },
    ],
  ]
}
