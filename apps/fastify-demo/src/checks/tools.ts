import assert from 'node:assert/strict'
import { type Check, type ConverterUnderTest, refusalOf, resultOf } from './converter-under-test.ts'

interface Manual {
  tools: { name: string; tool_call_template: { url: string; auth?: { api_key: string } } }[]
}

/** The converter's functions as tools. */
export function toolChecks(converter: ConverterUnderTest): Check[] {
  return [
    [
      'GET /atp/ lists both toolkits',
      async () => {
        const { json } = await converter.get('/atp/')
        const { toolkits } = json as { toolkits: { app_name: string }[] }
        assert.deepEqual(
          toolkits.map(({ app_name }) => app_name),
          ['currency', 'units'],
        )
      },
    ],
    [
      'GET /atp/currency and GET /atp/units/convert describe tools without a key',
      async () => {
        const { tools } = (await converter.get('/atp/currency')).json as { tools: { function: string }[] }
        assert.deepEqual(
          tools.map((tool) => tool.function),
          ['list_currencies', 'convert', 'price_list'],
        )
        const { json } = await converter.get('/atp/units/convert')
        assert.deepEqual((json as { required_params: string[] }).required_params, ['value', 'from', 'to'])
      },
    ],
    [
      'GET /utcp is a manual of all tools, with the place for the key',
      async () => {
        const { tools } = (await converter.get('/utcp')).json as Manual
        const template = tools.find(({ name }) => name === 'units.convert')?.tool_call_template
        assert.equal(tools.length, 5)
        assert.equal(template?.url, `${converter.url}/atp/units/convert/`)
        assert.equal(template?.auth?.api_key, `Bearer \${ATP_API_KEY}`)
      },
    ],
    [
      'GET /atp/openapi.json is an OpenAPI 3.1 document',
      async () => {
        const { json } = await converter.get('/atp/openapi.json')
        const { openapi, info } = json as { openapi: string; info: { title: string } }
        assert.match(openapi, /^3\.1\./)
        assert.equal(info.title, 'Converter')
      },
    ],
    [
      "HEAD and OPTIONS work, and the app's own hook marks answers of the tools",
      async () => {
        const head = await converter.send('HEAD', '/atp/currency/convert/')
        assert.deepEqual([head.status, head.text, head.headers.get('x-rates-of')], [200, '', '2026-11-20'])
        const options = await converter.send('OPTIONS', '/atp/currency/convert/')
        assert.equal(options.headers.get('allow'), 'GET, HEAD, OPTIONS, POST')
      },
    ],
    [
      'without a key, or with a wrong one, no tool runs',
      async () => {
        const none = await converter.send('POST', '/atp/units/list_units/')
        assert.deepEqual(refusalOf(none), [401, 'unauthorized'])
        assert.equal(none.headers.get('www-authenticate'), 'Bearer')
        const wrong = await converter.call('units/list_units', {}, { authorization: 'Bearer a-key-of-a-stranger' })
        assert.deepEqual(refusalOf(wrong), [401, 'unauthorized'])
      },
    ],
    [
      'list_currencies runs with an empty body',
      async () => {
        const headers = { authorization: `Bearer ${converter.key}` }
        const answer = await converter.send('POST', '/atp/currency/list_currencies', { headers })
        assert.equal((resultOf(answer) as unknown[]).length, 19)
      },
    ],
    [
      'currency/convert checks its arguments with zod',
      async () => {
        const result = resultOf(await converter.call('currency/convert', { amount: 100, from: 'eur', to: 'USD' }))
        const expected = { amount: 100, from: 'EUR', to: 'USD', rate: 1.1584, result: 115.84, rates_of: '2026-11-20' }
        assert.deepEqual(result, expected)
        const bad = await converter.call('currency/convert', { amount: -1, from: 'EUR', to: 'USD' })
        assert.deepEqual(refusalOf(bad), [400, 'invalid_params'])
        const missing = await converter.call('currency/convert', { amount: 1 })
        assert.deepEqual(refusalOf(missing), [400, 'missing_params'])
        const unknown = await converter.call('currency/convert', { amount: 1, from: 'EUR', to: 'ZZZ' })
        assert.deepEqual(refusalOf(unknown), [400, 'tool_error'])
      },
    ],
    [
      'units/convert checks its arguments with JSON Schema, and takes a form',
      async () => {
        const answer = await converter.send('POST', '/atp/units/convert/', {
          headers: { authorization: `Bearer ${converter.key}` },
          body: new URLSearchParams({ value: '100', from: 'C', to: 'F' }),
        })
        assert.deepEqual(resultOf(answer), { value: 212, unit: '°F' })
        const bad = await converter.call('units/convert', { value: '100', from: 'C', to: 'F' })
        assert.deepEqual(refusalOf(bad), [400, 'invalid_params'])
        const misfit = await converter.call('units/convert', { value: 1, from: 'mi', to: 'kg' })
        assert.deepEqual(refusalOf(misfit), [400, 'tool_error'])
      },
    ],
    [
      'units/list_units lists one kind',
      async () => {
        const speeds = resultOf(await converter.call('units/list_units', { kind: 'speed' })) as { symbol: string }[]
        assert.deepEqual(
          speeds.map(({ symbol }) => symbol),
          ['m/s', 'km/h', 'mph', 'kn'],
        )
      },
    ],
    [
      'price_list answers all rows at once, or one event a row',
      async () => {
        const args = { from: 'EUR', to: ['USD', 'JPY'], prices: [10, 20] }
        const rows = [
          { price: 10, USD: 11.58, JPY: 1785 },
          { price: 20, USD: 23.17, JPY: 3570 },
        ]
        assert.deepEqual(resultOf(await converter.call('currency/price_list', args)), rows)
        const streamed = await converter.call('currency/price_list', args, { accept: 'text/event-stream' })
        assert.match(streamed.headers.get('content-type') ?? '', /^text\/event-stream/)
        const events = [
          ['chunk', rows[0]],
          ['chunk', rows[1]],
          ['result', { result: rows }],
        ] as const
        const expected = events.map(
          ([event, data], index) => `id: ${index + 1}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`,
        )
        assert.equal(streamed.text, expected.join(''))
      },
    ],
    [
      "what does not exist is told in the routes' words, broken JSON too",
      async () => {
        assert.deepEqual(refusalOf(await converter.get('/atp/colours/')), [404, 'toolkit_not_found'])
        assert.deepEqual(refusalOf(await converter.get('/atp/units/paint')), [404, 'tool_not_found'])
        const wrongMethod = await converter.send('PUT', '/atp/units/convert', { body: '{' })
        assert.deepEqual(refusalOf(wrongMethod), [405, 'method_not_allowed'])
        const broken = await converter.send('POST', '/atp/units/convert', {
          headers: { authorization: `Bearer ${converter.key}`, 'content-type': 'application/json' },
          body: '{',
        })
        assert.deepEqual(refusalOf(broken), [400, 'invalid_json'])
      },
    ],
  ]
}
