import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parseDatabaseUrl } from '../../../src/store/postgres/database-url.ts'

describe('parseDatabaseUrl', () => {
  it('takes a URL apart, and shows it without its password', () => {
    const address = parseDatabaseUrl('postgres://ada:s3cret%2F@db.example:6543/atp?schema=staging&pool_size=3')
    expect(address).toMatchObject({
      schema: 'staging',
      poolSize: 3,
      shown: 'postgres://ada@db.example:6543/atp',
      config: { user: 'ada', host: 'db.example', port: 6543, database: 'atp' },
    })
    expect((address.config.password as () => string)()).toBe('s3cret/')
    expect(`${inspect(address, { depth: 9, showHidden: true })}${JSON.stringify(address)}`).not.toContain('s3cret')
  })

  it('has defaults for what is left out', () => {
    expect(parseDatabaseUrl('postgresql://ada@localhost/atp')).toMatchObject({
      schema: 'atp',
      poolSize: 10,
      config: { port: 5432 },
    })
    expect(parseDatabaseUrl('postgres://ada@localhost').shown).toBe('postgres://ada@localhost:5432/ada')
  })

  it('hands on what the driver knows, such as TLS', () => {
    const { config } = parseDatabaseUrl('postgres://ada@db.example/atp?sslmode=verify-full&schema=x')
    expect(config.ssl).toEqual({})
    expect(parseDatabaseUrl('postgres://ada@db.example/atp').config.ssl).toBe(false)
  })

  it('takes a socket of the machine', () => {
    const { config, shown } = parseDatabaseUrl('postgres://ada@/atp?host=/var/run/postgresql')
    expect(config.host).toBe('/var/run/postgresql')
    expect(shown).toContain('/var/run/postgresql')
  })

  it.each([
    ['mysql://ada:s3cret@localhost/atp', 'begin it with postgres://'],
    ['s3cret', 'begin it with postgres://'],
    ['postgres://ada:1/s3cret@localhost/atp', '"/" as %2F'],
    ['postgres://ada:s3cret/x@localhost/atp', 'percent-encode'],
    ['postgres://ada:1#s3cret@localhost/atp', '%23'],
    ['postgres://ada:s3 cret@localhost/atp', '%20'],
    ['postgres://ada:s3cret@localhost:port/atp', 'percent-encode'],
    ['postgres://ada:s3cret@localhost/atp?sslrootcert=/does/not/exist', 'certificate'],
    ['postgres://ada:s3cret@localhost/atp?schema=Robert%22', 'schema'],
    ['postgres://ada:s3cret@localhost/atp?schema=pg_catalog', 'schema'],
    ['postgres://ada:s3cret@localhost/atp?pool_size=0', 'pool_size'],
    ['postgres://ada:s3cret@localhost/atp?pool_size=many', 'pool_size'],
  ])('refuses %s and repeats no password', (url, why) => {
    let refusal: unknown
    try {
      parseDatabaseUrl(url)
    } catch (error) {
      refusal = error
    }
    expect(refusal).toMatchObject({ code: 'invalid_config' })
    expect(inspect(refusal, { depth: 9, showHidden: true })).not.toContain('s3cret')
    expect((refusal as Error).message).toContain(why)
  })
})
