import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@atp/core'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ToolkitDirectory } from '../src/calls/toolkit-directory.ts'
import { SocketWatch } from '../src/gateway/socket-watch.ts'
import { createServer, generateMasterKey, readDevKeys } from '../src/index.ts'
import { describePostgres, emptySchema } from './support/postgres.ts'
import { startTestServer } from './support/test-server.ts'

let folder: string
/** What a server outside of development cannot do without. */
const encryptionKeys = generateMasterKey().entry

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atp-test-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

it('refuses a port in use by name, and gives the data folder back', async () => {
  await using first = await startTestServer()
  const port = Number(new URL(first.url).port)
  const second = await createServer({ dataDir: folder, port, encryptionKeys, logLevel: 'silent' })
  await expect(second.listen()).rejects.toMatchObject({
    code: 'port_in_use',
    message: expect.stringContaining(`${port}`),
  })
  await using third = await startTestServer({ dataDir: folder })
  expect(third.url).toMatch(/^http/)
})

it('refuses an address that is not this machine’s', async () => {
  const server = await createServer({ dataDir: folder, host: '192.0.2.1', port: 0, encryptionKeys, logLevel: 'silent' })
  await expect(server.listen()).rejects.toMatchObject({
    code: 'invalid_config',
    message: expect.stringContaining('192.0.2.1'),
  })
})

it('runs in development mode on loopback only, unless that is really meant', async () => {
  await expect(createServer({ dataDir: folder, dev: true, host: '0.0.0.0' })).rejects.toMatchObject({
    code: 'invalid_config',
  })
  const server = await createServer({
    dataDir: folder,
    dev: true,
    devAllowRemote: true,
    host: '0.0.0.0',
    port: 0,
    logLevel: 'silent',
  })
  await server.listen()
  await server.close(0)
})

it('makes development keys for its user alone, and keeps those that still work', async () => {
  const first = await startTestServer({ dataDir: folder, keepData: true })
  const keys = await readDevKeys(folder)
  expect(keys).toEqual(first.keys)
  expect((await stat(join(folder, 'dev-keys.json'))).mode & 0o777).toBe(0o600)
  await first[Symbol.asyncDispose]()
  await writeFile(join(folder, 'dev-keys.json'), JSON.stringify({ ...keys, llmKey: 'atp_llm_lost' }))
  await using second = await startTestServer({ dataDir: folder })
  expect(second.keys.adminKey).toBe(keys?.adminKey)
  expect(second.keys.llmKey).not.toBe('atp_llm_lost')
})

it('says what to do about a damaged key file', async () => {
  await writeFile(join(folder, 'dev-keys.json'), '{')
  await expect(readDevKeys(folder)).rejects.toMatchObject({
    code: 'invalid_config',
    message: expect.stringContaining('delete it'),
  })
})

it('does not go on listening when its key file cannot be read', async () => {
  await writeFile(join(folder, 'dev-keys.json'), '{')
  const server = await createServer({ dataDir: folder, port: 0, dev: true, logLevel: 'silent' })
  await expect(server.listen()).rejects.toMatchObject({ code: 'invalid_config' })
  await rm(join(folder, 'dev-keys.json'))
  await using again = await startTestServer({ dataDir: folder })
  expect(again.url).toMatch(/^http/)
})

it('makes no keys without development mode', async () => {
  const server = await createServer({ dataDir: folder, port: 0, encryptionKeys, logLevel: 'silent' })
  await server.listen()
  expect(server.devKeys).toBeUndefined()
  await expect(readDevKeys(folder)).resolves.toBeUndefined()
  await server.close()
})

it('keeps no key in clear in its databases', async () => {
  const server = await startTestServer({ dataDir: folder, keepData: true })
  const { key } = await server.server.createKey({ kind: 'llm', name: 'secret' })
  await server[Symbol.asyncDispose]()
  for (const file of ['atp.sqlite', 'calls.sqlite']) {
    const bytes = await readFile(join(folder, file), 'latin1')
    expect(bytes).not.toContain(key)
    expect(bytes).not.toContain(server.keys.adminKey)
  }
})

it('tells when it has ended', async () => {
  const server = await createServer({ dataDir: folder, port: 0, encryptionKeys, logLevel: 'silent' })
  await server.listen()
  await server.close(0)
  expect(await server.ended).toBeUndefined()
})

it('listens once, however often it is asked to', async () => {
  const server = await createServer({ dataDir: folder, port: 0, encryptionKeys, logLevel: 'silent' })
  const [first, second] = await Promise.all([server.listen(), server.listen()])
  expect(second).toEqual(first)
  expect(await server.listen()).toEqual(first)
  expect((await fetch(`${first.url}/healthz`)).status).toBe(200)
  await server.close(0)
})

it('gives its port and its data folder back when it is closed while it begins to listen', async () => {
  const server = await createServer({ dataDir: folder, port: 0, encryptionKeys, logLevel: 'silent' })
  const listening = server.listen()
  await server.close(0)
  const { url } = await listening
  await expect(fetch(`${url}/healthz`)).rejects.toThrow()
  await using again = await startTestServer({ dataDir: folder })
  expect(again.url).toMatch(/^http/)
})

it('says that it was closed when it is asked to listen again', async () => {
  const server = await createServer({ dataDir: folder, port: 0, encryptionKeys, logLevel: 'silent' })
  await server.close(0)
  await expect(server.listen()).rejects.toMatchObject({ code: 'server_shutting_down' })
})

it('gives its data folder back and tells its end, also when closing fails in the middle', async () => {
  const server = await createServer({
    dataDir: folder,
    port: 0,
    encryptionKeys,
    logger: {
      ...silentLogger,
      info(event) {
        if (event === 'server.draining') throw new Error('the log is full')
      },
    },
  })
  await expect(server.close(0)).rejects.toThrow('the log is full')
  expect(await server.ended).toBeUndefined()
  await using again = await startTestServer({ dataDir: folder })
  expect(again.url).toMatch(/^http/)
})

it('runs beside another server of the same process', async () => {
  const first = await startTestServer()
  await using second = await startTestServer()
  await first[Symbol.asyncDispose]()
  expect((await fetch(`${second.url}/readyz`)).status).toBe(200)
})

/** Ways to fail after the store is open, early and late. */
const failures: [what: string, prepare: () => Partial<Parameters<typeof createServer>[0]>, error: object][] = [
  [
    'a part that cannot be made',
    () => {
      vi.spyOn(ToolkitDirectory, 'create').mockRejectedValueOnce(new Error('no directory'))
      return {}
    },
    { message: 'no directory' },
  ],
  ['an origin that is none', () => ({ allowedOrigins: ['https://app.example/'] }), { code: 'invalid_config' }],
]

it.each(failures)('gives its data folder back after %s', async (_what, prepare, error) => {
  const stopped = vi.spyOn(SocketWatch.prototype, 'stop')
  const base = { dataDir: folder, port: 0, encryptionKeys, logLevel: 'silent' } as const
  try {
    await expect(createServer({ ...base, ...prepare() })).rejects.toMatchObject(error)
    expect(stopped.mock.calls.length).toBe(error === failures[0]?.[2] ? 0 : 1)
  } finally {
    vi.restoreAllMocks()
  }
  const server = await createServer(base)
  await server.close(0)
})

describePostgres('with PostgreSQL', () => {
  it('gives its database back when a later part cannot be made', async () => {
    const base = { dataDir: folder, databaseUrl: emptySchema(), port: 0, encryptionKeys, logLevel: 'silent' } as const
    await expect(createServer({ ...base, allowedOrigins: ['app.example'] })).rejects.toMatchObject({
      code: 'invalid_config',
      message: 'The allowed origin "app.example" must be written like https://app.example',
    })
    const server = await createServer(base)
    await server.close(0)
  })

  it('keeps nothing in its data folder but the keys of development, and makes it only for those', async () => {
    const databaseUrl = emptySchema()
    const dataDir = join(folder, 'new', 'data')
    const server = await createServer({ dataDir, databaseUrl, port: 0, encryptionKeys, logLevel: 'silent' })
    await server.listen()
    await server.close(0)
    await expect(readdir(dataDir)).rejects.toThrow('ENOENT')
    const dev = await startTestServer({ dataDir, databaseUrl, keepData: true })
    expect((await readdir(dataDir)).sort()).toEqual(['dev-keys.json', 'encryption-keys'])
    await dev[Symbol.asyncDispose]()
    await using again = await startTestServer({ dataDir, databaseUrl })
    expect(again.keys).toMatchObject({ adminKey: dev.keys.adminKey, llmKey: dev.keys.llmKey })
  })

  it('refuses a second server on one database, and gives the database back when it cannot listen', async () => {
    const databaseUrl = emptySchema()
    await using first = await startTestServer({ databaseUrl })
    await expect(startTestServer({ databaseUrl })).rejects.toMatchObject({ code: 'database_in_use' })
    const other = emptySchema()
    const port = Number(new URL(first.url).port)
    const second = await createServer({ dataDir: folder, databaseUrl: other, port, encryptionKeys, logLevel: 'silent' })
    await expect(second.listen()).rejects.toMatchObject({ code: 'port_in_use' })
    await using third = await startTestServer({ databaseUrl: other })
    expect(third.url).toMatch(/^http/)
  })
})
