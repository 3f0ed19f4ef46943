import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { silentLogger } from '@atp/core'
import { createServer, createVault, generateMasterKey, openStore, parseMasterKeys } from '@atp/server'
import { describe, expect, inject, it } from 'vitest'
import { runAtp, temporaryFolder } from '../run-atp.ts'

const older = generateMasterKey()
const newer = generateMasterKey()
const both = `${newer.entry},${older.entry}`

/** A place with one secret of one project, under the older key. */
async function withSecret(databaseUrl?: string): Promise<string> {
  const dataDir = temporaryFolder()
  const store = await openStore({ dataDir, databaseUrl, serve: false, logger: silentLogger })
  const { id: projectId } = await store.projects.ensure('default', 1)
  const vault = createVault({ store, masterKeys: parseMasterKeys(older.entry) })
  const address = { projectId, ownerKind: 'connection', ownerId: 'one', field: 'access_token' } as const
  await vault.put(address, Buffer.from('plain'))
  await store.close()
  return dataDir
}

describe('atp vault generate-key', () => {
  it('prints a key that a server takes, alone on stdout, and another one each time', async () => {
    const [made, other] = await Promise.all([
      runAtp(['vault', 'generate-key']),
      runAtp(['vault', 'generate-key', '--json']),
    ])
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^k\d{8}-[0-9a-f]{6}:[A-Za-z0-9+/]{43}=\n$/) })
    expect(made.stderr).not.toContain(made.stdout.trim().split(':')[1])
    const { id, entry } = JSON.parse(other.stdout)
    expect(parseMasterKeys(`${made.stdout}\n${entry}`).byId.has(id)).toBe(true)
  })
})

describe('atp vault status and rotate', () => {
  it('say what needs which key, and bring it to the newest one', async () => {
    const data = await withSecret()
    const env = { ATP_ENCRYPTION_KEYS: both }
    const before = await runAtp(['vault', 'status', '--data', data, '--json'], { env })
    expect(JSON.parse(before.stdout)).toEqual({
      keys: [
        { id: newer.id, state: 'newest', data_keys: 0, secrets: 0 },
        { id: older.id, state: 'older', data_keys: 1, secrets: 1 },
      ],
      left: { data_keys: 1, secrets: 0 },
    })
    const rotated = await runAtp(['vault', 'rotate', '--data-keys', '--data', data, '--json'], { env })
    expect(JSON.parse(rotated.stdout)).toEqual({
      wrapped: 1,
      retired: 1,
      encrypted: 1,
      removed: 1,
      kept: 0,
      unreadable: 0,
      keys: [
        { id: newer.id, state: 'newest', data_keys: 1, secrets: 1 },
        { id: older.id, state: 'older', data_keys: 0, secrets: 0 },
      ],
      left: { data_keys: 0, secrets: 0 },
    })
    const table = await runAtp(['vault', 'status', '--data', data], { env: { ATP_ENCRYPTION_KEYS: newer.entry } })
    expect(table.stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['KEY', 'STATE', 'DATA KEYS', 'SECRETS'],
      [newer.id, 'newest', '1', '1'],
      [''],
    ])
    expect(table.stderr).toBe('Nothing is left to rotate.\n')
  })

  it('rotate changes nothing when a key that is needed is missing; status names it, also without any key', async () => {
    const data = await withSecret()
    const env = { ATP_ENCRYPTION_KEYS: newer.entry }
    const failed = await runAtp(['vault', 'rotate', '--data', data], { env })
    expect(failed).toMatchObject({ code: 1, stdout: '' })
    expect(failed.stderr).toContain(`"${older.id}"`)
    const status = await runAtp(['vault', 'status', '--data', data, '--json'])
    expect(JSON.parse(status.stdout).keys).toEqual([{ id: older.id, state: 'missing', data_keys: 1, secrets: 1 }])
    const without = await runAtp(['vault', 'rotate', '--data', data])
    expect(without.stderr).toMatch(/No encryption key.*\(invalid_config\)/)
  })

  it('take the keys from a file, and the key of a development server from its folder', async () => {
    const data = await withSecret()
    const file = join(temporaryFolder(), 'keys')
    writeFileSync(file, `${older.entry}\n`)
    const env = { ATP_ENCRYPTION_KEYS_FILE: file }
    const fromFile = await runAtp(['vault', 'status', '--data', data, '--json'], { env })
    expect(JSON.parse(fromFile.stdout).keys).toMatchObject([{ id: older.id, state: 'newest' }])

    const dev = temporaryFolder()
    const server = await createServer({ dataDir: dev, dev: true, port: 0, logger: silentLogger })
    await server.listen()
    await server.close(0)
    const ofDev = await runAtp(['vault', 'status', '--data', dev, '--json'])
    expect(JSON.parse(ofDev.stdout).keys).toMatchObject([{ state: 'newest', data_keys: 1, secrets: 1 }])
  })

  it('leave a folder without data as it is', async () => {
    const data = join(temporaryFolder(), 'mistyped')
    for (const command of ['status', 'rotate']) {
      const failed = await runAtp(['vault', command, '--data', data], { env: { ATP_ENCRYPTION_KEYS: both } })
      expect(failed.stderr).toContain('(data_folder_unusable)')
    }
    expect(existsSync(data)).toBe(false)
  })

  it.skipIf(inject('postgresUrl') === '')('work on a database', async () => {
    const url = `${inject('postgresUrl')}?schema=cli_vault`
    await withSecret(url)
    const env = { ATP_DATABASE_URL: url, ATP_ENCRYPTION_KEYS: both }
    const rotated = await runAtp(['vault', 'rotate', '--json'], { env })
    expect(JSON.parse(rotated.stdout)).toMatchObject({ wrapped: 1, encrypted: 0, left: { data_keys: 0, secrets: 0 } })
  })
})
