import type { FastifyPluginAsync } from 'fastify'
import { convertCurrency, findCurrency, type RatesCache, UnknownCurrencyError } from './rates.ts'
import { convertUnit, UnitError, unitKinds, units } from './units.ts'

const text = { type: 'string', minLength: 1, maxLength: 20 } as const

interface Conversion {
  from: string
  to: string
}

/** The converter's own routes, as they were before it had tools. */
export const converterRoutes: FastifyPluginAsync<{ rates: RatesCache }> = async (app, { rates }) => {
  app.get('/', async () => {
    const { table, ageMs } = await rates.current()
    return { name: 'Converter', rates_of: table.date, rates_age_seconds: Math.floor(ageMs / 1_000), kinds: unitKinds }
  })

  app.get<{ Querystring: { base?: string } }>(
    '/rates',
    { schema: { querystring: { type: 'object', properties: { base: text } } } },
    async ({ query }) => {
      const { table } = await rates.current()
      const base = findCurrency(table, query.base ?? table.base).code
      const codes = [...table.currencies.keys()]
      const list = codes.map((code) => [code, convertCurrency(table, 1, base, code).rate])
      return { base, rates_of: table.date, rates: Object.fromEntries(list) }
    },
  )

  app.get<{ Querystring: Conversion & { amount: number } }>(
    '/convert/currency',
    {
      schema: {
        querystring: {
          type: 'object',
          properties: { amount: { type: 'number', minimum: 0, maximum: 1e12 }, from: text, to: text },
          required: ['amount', 'from', 'to'],
        },
      },
    },
    async ({ query: { amount, from, to } }) => {
      const { table } = await rates.current()
      return { ...convertCurrency(table, amount, from, to), rates_of: table.date }
    },
  )

  app.get<{ Querystring: Conversion & { value: number } }>(
    '/convert/unit',
    {
      schema: {
        querystring: {
          type: 'object',
          properties: { value: { type: 'number' }, from: text, to: text },
          required: ['value', 'from', 'to'],
        },
      },
    },
    async ({ query: { value, from, to } }) => convertUnit(value, from, to),
  )

  app.get<{ Params: { kind: string } }>('/units/:kind', async ({ params }, reply) => {
    const found = [...units.values()].filter(({ kind }) => kind === params.kind)
    if (found.length === 0) return reply.code(404).send({ message: `There is no kind "${params.kind}"` })
    return found.map(({ symbol, name }) => ({ symbol, name }))
  })

  app.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof UnknownCurrencyError || error instanceof UnitError)) throw error
    reply.code(400).send({ message: error.message })
  })
}
