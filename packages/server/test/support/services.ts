import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import type { TestProject } from 'vitest/node'

/*
 * What tests need besides this repository, looked for once before a run (vitest's `globalSetup`). What is not there is
 * left out with one loud line, and fails the run where `CI=true`. `ATP_TEST_SERVICES=off` leaves all of it out.
 */

declare module 'vitest' {
  interface ProvidedContext {
    /** A database of this run's own; empty when there is no PostgreSQL. Tests use schemas of their own in it. */
    postgresUrl: string
  }
}

/** The same address as in compose.yaml. */
const postgresUrl = process.env.ATP_TEST_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres'

let dropDatabase: () => Promise<void> = async () => {}

export async function setup(project: TestProject): Promise<void> {
  project.provide('postgresUrl', await lookFor('PostgreSQL', postgresUrl, () => createDatabase(postgresUrl)))
}

export async function teardown(): Promise<void> {
  await dropDatabase()
}

/** What `find` gives, or an empty text when the service is to be left out. */
async function lookFor(name: string, url: string, find: () => Promise<string>): Promise<string> {
  const where = url.replace(/\/\/.*@/, '//')
  if (process.env.ATP_TEST_SERVICES === 'off') {
    process.stdout.write(`\n!! ${name} tests are LEFT OUT: ATP_TEST_SERVICES=off\n`)
    return ''
  }
  try {
    return await find()
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    const why = `${name} at ${where} is not to be had (${message || code})`
    if (process.env.CI === 'true') throw new Error(`${why}; start it, or set ATP_TEST_SERVICES=off`)
    process.stdout.write(`\n!! ${name} tests are LEFT OUT: ${why}; "docker compose up" starts it\n`)
    return ''
  }
}

/** Makes an empty database whose name says when, so that a later run can drop what a killed one left behind. */
async function createDatabase(url: string): Promise<string> {
  const admin = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  await admin.connect()
  const { rows } = await admin.query<{ datname: string }>(
    "select datname from pg_database where datname ~ '^atp_test_'",
  )
  const now = Math.floor(Date.now() / 1_000)
  for (const { datname } of rows) {
    const madeAt = Number(/^atp_test_(\d+)_/.exec(datname)?.[1])
    if (now - madeAt > 6 * 3_600) await admin.query(`drop database if exists ${datname} with (force)`)
  }
  const name = `atp_test_${now}_${randomBytes(4).toString('hex')}`
  await admin.query(`create database ${name} encoding 'UTF8' template template0`)
  dropDatabase = async () => {
    await admin.query(`drop database if exists ${name} with (force)`)
    await admin.end()
  }
  const own = new URL(url)
  own.pathname = `/${name}`
  return own.href
}
