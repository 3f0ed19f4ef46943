import assert from 'node:assert/strict'
import type { Check, ConverterUnderTest } from './converter-under-test.ts'

/** The converter works as it did before it had tools. */
export function ownRouteChecks(converter: ConverterUnderTest): Check[] {
  return [
    [
      'GET / tells how old the rates are, and reads them again after ten minutes',
      async () => {
        const age = async (): Promise<unknown> => {
          const { json } = await converter.get('/')
          return (json as { rates_age_seconds: number }).rates_age_seconds
        }
        converter.clock = 0
        assert.equal(await age(), 0)
        converter.clock = 599_000
        assert.equal(await age(), 599)
        converter.clock = 601_000
        assert.equal(await age(), 0)
      },
    ],
    [
      'GET /rates lists rates, also for another base',
      async () => {
        const { json } = await converter.get('/rates')
        assert.equal((json as { base: string; rates: Record<string, number> }).rates.USD, 1.1584)
        const { json: other } = await converter.get('/rates?base=usd')
        assert.equal((other as { rates: Record<string, number> }).rates.EUR, 0.86326)
      },
    ],
    [
      'GET /convert/currency rounds to the smallest coin',
      async () => {
        const { json } = await converter.get('/convert/currency?amount=19.99&from=EUR&to=JPY')
        assert.deepEqual(json, {
          amount: 19.99,
          from: 'EUR',
          to: 'JPY',
          rate: 178.52,
          result: 3569,
          rates_of: '2026-11-20',
        })
        const unknown = await converter.get('/convert/currency?amount=1&from=EUR&to=ZZZ')
        assert.equal(unknown.status, 400)
        assert.match(unknown.text, /There is no rate for \\"ZZZ\\"/)
        assert.equal((await converter.get('/convert/currency?amount=much&from=EUR&to=USD')).status, 400)
      },
    ],
    [
      'GET /convert/unit converts, temperatures too',
      async () => {
        const { json } = await converter.get('/convert/unit?value=26.2&from=mi&to=km')
        assert.deepEqual(json, { value: 42.1648128, unit: 'km' })
        const warm = await converter.get('/convert/unit?value=100&from=C&to=F')
        assert.deepEqual(warm.json, { value: 212, unit: '°F' })
        assert.equal((await converter.get('/convert/unit?value=1&from=mi&to=kg')).status, 400)
      },
    ],
    [
      'GET /units/:kind lists units',
      async () => {
        assert.match((await converter.get('/units/speed')).text, /knot/)
        assert.equal((await converter.get('/units/colour')).status, 404)
      },
    ],
    [
      "a path that is nobody's is answered by the app",
      async () => {
        const { status, json } = await converter.get('/atpx')
        assert.equal(status, 404)
        assert.equal((json as { message: string }).message, 'Route GET:/atpx not found')
      },
    ],
  ]
}
