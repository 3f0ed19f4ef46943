import { Client } from 'pg'
import { describe, inject, onTestFinished, type TestContext } from 'vitest'

/** The database of this run; empty when there is none. */
const database: string = inject('postgresUrl')

/** As `describe`, left out without PostgreSQL. */
export const describePostgres = describe.skipIf(database === '')

let schemas = 0

/** The URL of an empty schema that no other test uses. */
export function emptySchema(parameters: Record<string, string> = {}): string {
  schemas += 1
  const url = new URL(database)
  // Test files run in processes of their own.
  url.searchParams.set('schema', `test_${process.pid}_${schemas}`)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}

/** The same schema by another way, through a proxy for instance. */
export function throughPort(url: string, port: number): string {
  const changed = new URL(url)
  changed.hostname = '127.0.0.1'
  changed.port = String(port)
  return changed.href
}

/** A connection that sees the tables of a schema; closed when the test ends, which tests that run at once pass on. */
export async function connectTo(
  url: string,
  test: Pick<TestContext, 'onTestFinished'> = { onTestFinished },
): Promise<Client> {
  const { searchParams } = new URL(url)
  const client = new Client({ connectionString: withoutOurs(url) })
  client.on('error', () => {})
  await client.connect()
  test.onTestFinished(() => client.end())
  await client.query(`set search_path = "${searchParams.get('schema')}"`)
  return client
}

function withoutOurs(url: string): string {
  const plain = new URL(url)
  plain.search = ''
  return plain.href
}
