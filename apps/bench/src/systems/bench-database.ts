import { randomBytes } from 'node:crypto'
import { serverPackage } from '../load/server-package.ts'

/** An empty PostgreSQL database of this run's own. */
export interface BenchDatabase {
  url: string
  /** Drops it, whoever is still connected. */
  drop(): Promise<void>
}

/** The part of `pg` that is used here. */
interface Pg {
  Client: new (options: { connectionString: string; connectionTimeoutMillis: number }) => PgClient
}

interface PgClient {
  connect(): Promise<void>
  query(text: string): Promise<{ rows: { datname: string }[] }>
  end(): Promise<void>
}

/** One that is as old as this, in seconds, was left behind by a run that was killed. */
const leftBehindSeconds = 6 * 3_600

/**
 * Makes a database beside the one that `url` names.
 * @throws Error when there is no PostgreSQL at `url`, or it does not let us
 */
export async function createBenchDatabase(url: string): Promise<BenchDatabase> {
  const name = `atp_bench_${nowSeconds()}_${randomBytes(4).toString('hex')}`
  await withClient(url, async (client) => {
    const { rows } = await client.query("select datname from pg_database where datname ~ '^atp_bench_[0-9]+_'")
    const old = rows.filter(({ datname }) => nowSeconds() - Number(datname.split('_')[2]) > leftBehindSeconds)
    for (const { datname } of old) await client.query(`drop database if exists ${datname} with (force)`)
    await client.query(`create database ${name} encoding 'UTF8' template template0`)
  })
  const own = new URL(url)
  own.pathname = `/${name}`
  return {
    url: own.href,
    drop: () => withClient(url, (client) => client.query(`drop database if exists ${name} with (force)`)),
  }
}

async function withClient(url: string, use: (client: PgClient) => Promise<unknown>): Promise<void> {
  const { Client } = serverPackage<Pg>('pg')
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  try {
    await client.connect()
    await use(client)
  } finally {
    await client.end()
  }
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000)
}
