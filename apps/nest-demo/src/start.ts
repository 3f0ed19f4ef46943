import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { NestFactory } from '@nestjs/core'
import { withSettings } from './app.module.ts'

/* `pnpm start`: opens the orders service and tells what to try. */

function readPort(text: string): number {
  const port = Number(text)
  if (text !== '' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new TypeError(`--port and PORT must be a number from 0 to 65535, not "${text}"`)
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { port: { type: 'string' }, database: { type: 'string' } } })
  const port = readPort(values.port ?? process.env.PORT ?? '3003')
  const databasePath = values.database ?? process.env.DATABASE ?? 'orders.sqlite'
  const staffKey = process.env.STAFF_KEY || randomBytes(12).toString('hex')
  const leadKey = process.env.LEAD_KEY || randomBytes(12).toString('hex')
  const staff = [
    { name: 'Rosa', key: staffKey, isLead: false },
    { name: 'Ben', key: leadKey, isLead: true },
  ]
  const app = await NestFactory.create(withSettings({ databasePath, staff, pickMs: 400 }), {
    logger: ['warn', 'error', 'fatal'],
  })
  app.enableShutdownHooks()
  await app.listen(port, '127.0.0.1')
  const url = await app.getUrl()
  process.stdout.write(`Cog & Spoke takes orders on ${url}

Its own routes:
  curl '${url}/parts?text=700'

Tools for the staff, with the key of Rosa, ${staffKey}, or of Ben, who is a lead, ${leadKey}:
  curl ${url}/atp/orders/ -H 'Authorization: Bearer ${staffKey}'
  curl ${url}/atp/orders/list_orders/ --json '{"status":"placed"}' -H 'Authorization: Bearer ${staffKey}'
  curl -N ${url}/atp/orders/pick_order/ --json '{"id":1001}' -H 'Accept: text/event-stream' -H 'Authorization: Bearer ${staffKey}'

README.md shows how to order as a customer and ask as one. Orders are kept in ${databasePath}. Ctrl-C ends the service.
`)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`error: ${(error as Error).message}\n`)
  process.exitCode = error instanceof TypeError ? 2 : 1
}
