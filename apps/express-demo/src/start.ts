import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { createApp } from './app.ts'

/* `pnpm start`: opens the shop and tells what to try. */

function readPort(text: string): number {
  const port = Number(text)
  if (text !== '' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new TypeError(`--port and PORT must be a number from 0 to 65535, not "${text}"`)
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { port: { type: 'string' } } })
  const port = readPort(values.port ?? process.env.PORT ?? '3000')
  const staffKey = process.env.STAFF_KEY || randomBytes(12).toString('hex')
  const server = createApp({ staffKeys: [staffKey] }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      server.close()
      server.closeAllConnections()
    })
  }
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  process.stdout.write(`Leaf & Kettle is open on ${url}

The shop's own routes:
  curl '${url}/products?text=smoked'

Tools for everybody:
  curl ${url}/atp/catalogue/
  curl ${url}/utcp
  curl ${url}/atp/catalogue/search_products/ --json '{"kind":"green"}'

Tools for the staff, whose key is ${staffKey}:
  curl -X POST ${url}/staff/atp/orders/list_orders/ -H 'Authorization: Bearer ${staffKey}'

README.md shows how to buy something, watch it being packed, and ask as a customer. Ctrl-C closes the shop.
`)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`error: ${(error as Error).message}\n`)
  process.exitCode = error instanceof TypeError ? 2 : 1
}
