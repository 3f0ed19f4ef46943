import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readDatabaseUrl, readEncryptionKeys, readEnvironment } from '../src/config.ts'
import { temporaryFolder } from './store/temporary-folder.ts'

it('reads the variables of a server and ignores empty ones', () => {
  expect(
    readEnvironment({
      PORT: '8080',
      ATP_DATA: '/data',
      ATP_HOST: '',
      ATP_TRUSTED_PROXIES: '10.0.0.0/8, ::1',
      ATP_LOG_LEVEL: 'debug',
      OTHER: 'x',
    }),
  ).toEqual({
    port: 8080,
    data: '/data',
    databaseUrl: undefined,
    host: undefined,
    trustedProxies: ['10.0.0.0/8', '::1'],
    logLevel: 'debug',
    encryptionKeys: undefined,
  })
})

it('reports all variables it cannot use at once', () => {
  expect(() => readEnvironment({ PORT: 'http', ATP_LOG_LEVEL: 'loud' })).toThrow(/PORT.*ATP_LOG_LEVEL/)
})

it('takes the database from ATP_DATABASE_URL, else from a DATABASE_URL that is of PostgreSQL', () => {
  const ours = 'postgres://localhost/atp'
  const general = 'postgresql://localhost/app'
  expect(readEnvironment({ ATP_DATABASE_URL: ours, DATABASE_URL: general }).databaseUrl).toBe(ours)
  expect(readEnvironment({ ATP_DATABASE_URL: '', DATABASE_URL: general }).databaseUrl).toBe(general)
  expect(readEnvironment({ DATABASE_URL: 'mysql://localhost/app' }).databaseUrl).toBeUndefined()
  expect(readDatabaseUrl({ DATABASE_URL: general }, false)).toBeUndefined()
  expect(readDatabaseUrl({ ATP_DATABASE_URL: ours, DATABASE_URL: general }, false)).toBe(ours)
  // A mistake in our own variable is reported where the database is opened.
  expect(readEnvironment({ ATP_DATABASE_URL: 'mysql://localhost/app' }).databaseUrl).toBe('mysql://localhost/app')
})

it('takes the encryption keys from a variable or from a file, never from both', async () => {
  const file = join(await temporaryFolder(), 'keys')
  await writeFile(file, 'one:abc\n')
  expect(readEncryptionKeys({ ATP_ENCRYPTION_KEYS: 'two:def' })).toBe('two:def')
  expect(readEncryptionKeys({ ATP_ENCRYPTION_KEYS: '', ATP_ENCRYPTION_KEYS_FILE: file })).toBe('one:abc\n')
  expect(readEncryptionKeys({ ATP_ENCRYPTION_KEYS: '', ATP_ENCRYPTION_KEYS_FILE: '' })).toBeUndefined()
  const both = { ATP_ENCRYPTION_KEYS: 'two:def', ATP_ENCRYPTION_KEYS_FILE: file }
  expect(() => readEncryptionKeys(both)).toThrow(expect.objectContaining({ code: 'invalid_config' }))
  const missing = { ATP_ENCRYPTION_KEYS_FILE: `${file}.gone` }
  expect(() => readEncryptionKeys(missing)).toThrow(/ATP_ENCRYPTION_KEYS_FILE.*ENOENT/)
})
