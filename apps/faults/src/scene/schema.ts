import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { type FaultContext, LeftOut } from '../fault.ts'

/** An empty schema of a database. */
export interface Schema {
  url: string
  drop(): Promise<void>
}

/** Names a schema that nobody else uses; the server makes it. @throws LeftOut without a database */
export async function emptySchema(database: FaultContext['database']): Promise<Schema> {
  if ('missing' in database) throw new LeftOut(database.missing)
  const name = `faults_${randomBytes(6).toString('hex')}`
  const url = new URL(database.url)
  url.searchParams.set('schema', name)
  return {
    url: url.href,
    drop: () => withClient(database.url, (client) => client.query(`drop schema if exists ${name} cascade`)),
  }
}

/** Looks whether a database is there. */
export async function findDatabase(url: string): Promise<FaultContext['database']> {
  try {
    await withClient(url, (client) => client.query('select 1'))
    return { url }
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    return { missing: `PostgreSQL at ${url.replace(/\/\/.*@/, '//')} is not to be had (${message || code})` }
  }
}

async function withClient(url: string, use: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  try {
    await client.connect()
    await use(client)
  } finally {
    await client.end().catch(() => {})
  }
}
