import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Logger, silentLogger } from '@atp/core'
import { expect, it, onTestFinished } from 'vitest'
import { type AtpServer, createServer, type ServerOptions } from '../../src/index.ts'
import { encryptionKeysFile, ensureKeyFile, readKeyFile } from '../../src/vault/key-file.ts'
import { generateMasterKey } from '../../src/vault/master-keys.ts'
import { temporaryFolder } from '../store/temporary-folder.ts'

const older = generateMasterKey()
const newer = generateMasterKey()

async function start(options: Partial<ServerOptions> & { dataDir: string }): Promise<AtpServer> {
  const server = await createServer({ port: 0, logger: silentLogger, ...options })
  onTestFinished(() => server.close(0))
  await server.listen()
  return server
}

/** A folder with a secret in it: the endpoint secret of a toolkit key. */
async function folderWithSecret(options: Partial<ServerOptions> = { encryptionKeys: older.entry }): Promise<string> {
  const dataDir = await temporaryFolder()
  const server = await start({ dataDir, ...options })
  await server.createKey({ kind: 'toolkit', name: 'weather' })
  await server.close(0)
  return dataDir
}

it('refuses to start a server without keys, before it makes anything', async () => {
  const dataDir = join(await temporaryFolder(), 'new')
  await expect(createServer({ dataDir })).rejects.toMatchObject({
    code: 'invalid_config',
    message: expect.stringMatching(/atp vault generate-key.*ATP_ENCRYPTION_KEYS.*ATP_ENCRYPTION_KEYS_FILE/),
  })
  const sample = `k1:${Buffer.alloc(32, 7).toString('base64')}`
  await expect(createServer({ dataDir, encryptionKeys: sample })).rejects.toMatchObject({ code: 'invalid_config' })
  await expect(createServer({ dataDir, encryptionKeys: '' })).rejects.toMatchObject({ code: 'invalid_config' })
  await expect(readdir(dataDir)).rejects.toThrow('ENOENT')
})

it('does not take the key of a development server for one of production', async () => {
  const dataDir = await folderWithSecret({ dev: true })
  expect(await readKeyFile(dataDir)).toMatch(/^k\d{8}-/)
  await expect(createServer({ dataDir, logger: silentLogger })).rejects.toMatchObject({ code: 'invalid_config' })
})

it('makes a key for development once, for its user alone', async () => {
  const folder = await temporaryFolder()
  expect(await readKeyFile(folder)).toBeUndefined()
  const made = await Promise.all(Array.from({ length: 5 }, () => ensureKeyFile(folder)))
  expect(new Set(made.map((text) => text.trim())).size).toBe(1)
  expect(await readdir(folder)).toEqual([encryptionKeysFile])
  const path = join(folder, encryptionKeysFile)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect((await readFile(path, 'utf8')).trim()).toBe(made[0]?.trim())
  await writeFile(path, 'k1:AAAA\n')
  await expect(createServer({ dataDir: folder, dev: true })).rejects.toMatchObject({ code: 'invalid_config' })
})

it('starts with the keys its data needs, in any order, and refuses others by their ids', async () => {
  const dataDir = await folderWithSecret()
  const refusal = { code: 'invalid_config', message: expect.stringContaining(`"${older.id}"`) }
  const impostor = `${older.id}:${newer.entry.split(':')[1]}`
  for (const encryptionKeys of [newer.entry, impostor]) {
    await expect(createServer({ dataDir, encryptionKeys, logger: silentLogger })).rejects.toMatchObject(refusal)
  }
  // The refusals have given the folder back.
  await (await start({ dataDir, encryptionKeys: `${older.entry}\n${newer.entry}` })).close(0)
})

it('wraps with the newest key when it starts: after that the older one may go', async () => {
  const dataDir = await folderWithSecret()
  const events: string[] = []
  const rotated = Promise.withResolvers<void>()
  const logger: Logger = {
    ...silentLogger,
    info(event) {
      events.push(event)
      if (event === 'vault.rotated') rotated.resolve()
    },
  }
  const server = await start({ dataDir, encryptionKeys: `${newer.entry},${older.entry}`, logger })
  await rotated.promise
  await server.close(0)
  await (await start({ dataDir, encryptionKeys: newer.entry })).close(0)
  await expect(createServer({ dataDir, encryptionKeys: older.entry, logger })).rejects.toMatchObject({
    message: expect.stringContaining(`"${newer.id}"`),
  })
})

it('warns in development where the key of its data is gone, and goes on', async () => {
  const dataDir = await folderWithSecret()
  const warned: string[] = []
  const logger: Logger = { ...silentLogger, warn: (event) => void warned.push(event) }
  const server = await start({ dataDir, dev: true, logger })
  expect(warned).toContain('vault.keys_missing')
  const { key } = await server.createKey({ kind: 'toolkit', name: 'traffic' })
  expect(await server.isValidKey(key, 'toolkit')).toBe(true)
})
