import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { createApp } from './app.ts'

/* `pnpm start`: starts the converter and tells what to try. */

function readPort(text: string): number {
  const port = Number(text)
  if (text !== '' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new TypeError(`--port and PORT must be a number from 0 to 65535, not "${text}"`)
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { port: { type: 'string' } } })
  const port = readPort(values.port ?? process.env.PORT ?? '3001')
  const key = process.env.CONVERTER_KEY || randomBytes(12).toString('hex')
  const app = createApp({ keys: [key], logger: { level: 'warn' } })
  const url = await app.listen({ port, host: '127.0.0.1' })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void app.close())
  process.stdout.write(`Converter ready on ${url}

Its own routes:
  curl '${url}/convert/currency?amount=100&from=EUR&to=USD'
  curl '${url}/convert/unit?value=26.2&from=mi&to=km'

Its tools, described for everybody:
  curl ${url}/atp/
  curl ${url}/atp/currency/convert/
  curl ${url}/utcp

Running them needs the key ${key}:
  curl ${url}/atp/currency/convert/ -H 'Authorization: Bearer ${key}' --json '{"amount":100,"from":"EUR","to":"USD"}'
  curl ${url}/atp/units/convert/ -H 'Authorization: Bearer ${key}' -d value=100 -d from=C -d to=F
  curl -N ${url}/atp/currency/price_list/ -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' -H 'Accept: text/event-stream' -d '{"from":"EUR","to":["USD","JPY"],"prices":[9.99,49.5]}'

Ctrl-C ends it.
`)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`error: ${(error as Error).message}\n`)
  process.exitCode = error instanceof TypeError ? 2 : 1
}
