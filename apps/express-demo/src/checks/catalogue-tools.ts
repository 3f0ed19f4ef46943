import assert from 'node:assert/strict'
import type { Check, ShopUnderTest } from './shop-under-test.ts'

interface Manual {
  tools: { name: string; tool_call_template: { url: string; auth?: unknown; headers?: Record<string, string> } }[]
}

/** The catalogue: tools at the root, for everybody. */
export function catalogueToolChecks(shop: ShopUnderTest): Check[] {
  return [
    [
      'GET /atp/ names the toolkit of this mount, and not that of the other',
      async () => {
        const { status, json } = await shop.send('GET', '/atp/')
        assert.equal(status, 200)
        assert.deepEqual(
          (json as { toolkits: { app_name: string }[] }).toolkits.map((one) => one.app_name),
          ['catalogue'],
        )
      },
    ],
    [
      'GET /atp/catalogue/ and GET /atp/catalogue/quote/ describe the tools',
      async () => {
        const { json } = await shop.send('GET', '/atp/catalogue/')
        const names = (json as { tools: { function: string }[] }).tools.map((tool) => tool.function)
        assert.deepEqual(names, ['search_products', 'get_product', 'quote'])
        const tool = (await shop.send('GET', '/atp/catalogue/quote')).json as { required_params: string[] }
        assert.deepEqual(tool.required_params, ['lines'])
      },
    ],
    [
      'GET /utcp is a manual whose tools point at their own routes',
      async () => {
        const { tools } = (await shop.send('GET', '/utcp')).json as Manual
        assert.deepEqual(
          tools.map((tool) => [tool.name, tool.tool_call_template.url, tool.tool_call_template.auth]),
          ['search_products', 'get_product', 'quote'].map((name) => [
            `catalogue.${name}`,
            `${shop.url}/atp/catalogue/${name}/`,
            undefined,
          ]),
        )
      },
    ],
    [
      'GET /atp/openapi.json is an OpenAPI 3.1 document',
      async () => {
        const { json } = await shop.send('GET', '/atp/openapi.json')
        const { openapi, info } = json as { openapi: string; info: { title: string } }
        assert.match(openapi, /^3\.1\./)
        assert.equal(info.title, 'Leaf & Kettle catalogue')
      },
    ],
    [
      'POST search_products runs without any key, from JSON and from a form',
      async () => {
        const path = '/atp/catalogue/search_products/'
        const { status, json } = await shop.send('POST', path, { body: { kind: 'green', inStock: true } })
        assert.equal(status, 200)
        assert.deepEqual(foundIn(json), ['sencha'])
        const form = new URLSearchParams({ maxPricePence: '600' })
        const response = await fetch(`${shop.url}${path}`, { method: 'POST', body: form })
        assert.deepEqual(foundIn(await response.json()), ['mint'])
      },
    ],
    [
      'POST get_product and quote answer with what the shop knows',
      async () => {
        const product = await shop.send('POST', '/atp/catalogue/get_product', { body: { sku: 'rooibos' } })
        assert.equal((product.json as { result: { name: string } }).result.name, 'Rooibos')
        const quote = await shop.send('POST', '/atp/catalogue/quote', {
          body: { lines: [{ sku: 'assam-2f', quantity: 5 }], country: 'FR' },
        })
        assert.deepEqual(quote.json, { result: { goodsPence: 4450, deliveryPence: 1250, totalPence: 5700 } })
      },
    ],
    [
      'what the shop refuses, what is missing and what does not fit are errors with a code',
      async () => {
        const refused = await shop.send('POST', '/atp/catalogue/get_product/', { body: { sku: 'coffee' } })
        assert.equal(refused.status, 400)
        assert.deepEqual(errorOf(refused.json), ['tool_error', 'The shop has no product "coffee"'])
        const missing = await shop.send('POST', '/atp/catalogue/get_product/', { body: {} })
        assert.deepEqual(errorOf(missing.json), ['missing_params', 'Missing required parameters: sku'])
        const invalid = await shop.send('POST', '/atp/catalogue/search_products/', { body: { kind: 'coffee' } })
        assert.equal(errorOf(invalid.json)[0], 'invalid_params')
      },
    ],
    [
      'unknown toolkits and tools are 404, other methods 405',
      async () => {
        const toolkit = await shop.send('POST', '/atp/coffee/search/', { body: {} })
        assert.equal(toolkit.status, 404)
        assert.deepEqual(errorOf(toolkit.json), ['toolkit_not_found', 'Toolkit not found'])
        const tool = await shop.send('POST', '/atp/catalogue/brew/', { body: {} })
        assert.deepEqual(errorOf(tool.json), ['tool_not_found', 'Tool not found'])
        const method = await shop.send('DELETE', '/atp/catalogue/quote/')
        assert.equal(method.status, 405)
        assert.equal(method.headers.get('allow'), 'GET, HEAD, OPTIONS, POST')
      },
    ],
  ]
}

/** Code and text of an error. */
export function errorOf(json: unknown): [code: string, text: string] {
  const { code, error } = json as { code: string; error: string }
  return [code, error]
}

function foundIn(json: unknown): string[] {
  return (json as { result: { products: { sku: string }[] } }).result.products.map(({ sku }) => sku)
}
