import { atp } from '@atp/fastify'
import { type FastifyInstance, type FastifyServerOptions, fastify } from 'fastify'
import { RatesCache } from './rates.ts'
import { converterRoutes } from './routes.ts'
import { createCurrencyToolkit } from './toolkits/currency.ts'
import { createUnitsToolkit } from './toolkits/units.ts'

/** What the converter is started with. */
export interface ConverterOptions {
  /** Who may run the tools; descriptions are open to everybody. */
  keys: readonly string[]
  rates?: RatesCache
  logger?: FastifyServerOptions['logger']
}

/** The whole app: the converter's own routes, and the same functions as tools. */
export function createApp({ keys, rates: given, logger = false }: ConverterOptions): FastifyInstance {
  const app = fastify({ logger })
  const rates = given ?? new RatesCache({ onStale: (err) => app.log.warn({ err }, 'rates.stale') })

  // Whoever converts money wants to know how old the rates are: a hook of the app, for its routes and for the tools.
  app.addHook('onSend', async (_request, reply) => {
    const { table } = await rates.current()
    reply.header('x-rates-of', table.date)
  })

  app.register(converterRoutes, { rates })
  app.register(atp, {
    client: [createCurrencyToolkit(rates), createUnitsToolkit()],
    authorize: { keys },
    title: 'Converter',
  })
  return app
}
