import { Toolkit } from '@atp/core'
import * as z from 'zod'
import { convertCurrency, findCurrency, type RatesCache } from '../rates.ts'

const code = z.string().regex(/^[A-Za-z]{3}$/, 'must be a currency code such as EUR')

const conversion = z.object({
  amount: z.number(),
  from: z.string(),
  to: z.string(),
  rate: z.number().describe('How much of `to` one unit of `from` buys.'),
  result: z.number().describe('Rounded to the smallest coin of `to`.'),
  rates_of: z.string().describe('The day the rates are of.'),
})

/** The currencies as tools. */
export function createCurrencyToolkit(rates: RatesCache): Toolkit {
  const toolkit = new Toolkit({
    appName: 'currency',
    caption: 'Converts amounts of money with the rates of one day',
    instructions: 'Rates change daily: name the day (rates_of) whenever you tell an amount.',
  })

  toolkit.registerTool(
    {
      name: 'list_currencies',
      description: 'Lists the currencies that can be converted, with code and name.',
      annotations: { readOnly: true, title: 'Currencies' },
    },
    async () => {
      const { table } = await rates.current()
      return [...table.currencies.values()].map(({ code, name }) => ({ code, name }))
    },
  )

  toolkit.registerTool(
    {
      name: 'convert',
      description: 'Converts an amount of money from one currency to another.',
      params: z.object({
        amount: z.number().min(0).max(1e12).describe('How much, such as 19.99.'),
        from: code.describe('Code of the currency the amount is in, such as EUR.'),
        to: code.describe('Code of the currency that is wanted, such as USD.'),
      }),
      output: conversion,
      annotations: { readOnly: true, title: 'Convert money' },
    },
    async ({ amount, from, to }) => {
      const { table } = await rates.current()
      return { ...convertCurrency(table, amount, from, to), rates_of: table.date }
    },
  )

  toolkit.registerTool(
    {
      name: 'price_list',
      description: 'Converts a list of prices into several currencies, one row after the other.',
      params: z.object({
        from: code.describe('Code of the currency the prices are in.'),
        to: z.array(code).min(1).max(10).describe('Codes of the currencies that are wanted.'),
        prices: z.array(z.number().min(0)).min(1).max(1_000).describe('The prices, in order.'),
      }),
      annotations: { readOnly: true, title: 'Price list' },
    },
    // Each row is sent to a caller that asked for a stream, and all of them are the result.
    async function* ({ from, to, prices }, { signal, progress }) {
      const { table } = await rates.current()
      const wanted = to.map((one) => findCurrency(table, one).code)
      for (const [index, price] of prices.entries()) {
        signal.throwIfAborted()
        const converted = wanted.map((one) => [one, convertCurrency(table, price, from, one).result])
        yield { price, ...Object.fromEntries(converted) }
        if ((index + 1) % 100 === 0) progress({ progress: index + 1, total: prices.length })
      }
    },
  )

  return toolkit
}
