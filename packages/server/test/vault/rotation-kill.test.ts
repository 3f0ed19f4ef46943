import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { silentLogger } from '@atp/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createServer } from '../../src/index.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { SecretAddress } from '../../src/store/store.ts'
import { generateMasterKey, parseMasterKeys } from '../../src/vault/master-keys.ts'
import { createVault, type Vault } from '../../src/vault/vault.ts'
import { readVaultStatus } from '../../src/vault/vault-status.ts'
import { describePostgres, emptySchema } from '../support/postgres.ts'

const patience = { timeout: 60_000 }
const secrets = 400
/** Two projects, each with its own data key. */
const projectNames = ['default', 'theirs']

describe('a rotation that is killed in the middle, under 50 reads a second, is finished by the next start', () => {
  it('on SQLite', patience, () => rotateUnderReads())

  describePostgres('with PostgreSQL', () => {
    it('on PostgreSQL', patience, () => rotateUnderReads(emptySchema()))
  })
})

async function rotateUnderReads(databaseUrl?: string): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'atp-vault-'))
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const [older, newer] = [generateMasterKey().entry, generateMasterKey().entry]
  const both = `${newer},${older}`
  const store = await openStore({ dataDir, databaseUrl, serve: false, logger: silentLogger })
  onTestFinished(() => store.close())

  const projects = await Promise.all(projectNames.map((name) => store.projects.ensure(name, 1)))
  const places = projects.flatMap(({ id }) => Array.from({ length: secrets / 2 }, (_, index) => place(id, index)))
  const first = createVault({ store, masterKeys: parseMasterKeys(older) })
  for (const address of places) await first.put(address, Buffer.from(textOf(address)))
  const newestKeys = parseMasterKeys(both)
  const left = async (): Promise<number> => {
    const { dataKeysToWrap, secretsToEncrypt } = await readVaultStatus(store, newestKeys)
    return dataKeysToWrap + secretsToEncrypt
  }

  const reading = startReading(createVault({ store, masterKeys: newestKeys }), places)
  await killAfter(60, both, dataDir, databaseUrl)
  const afterKill = await left()
  expect(afterKill).toBeGreaterThan(0)
  expect(afterKill).toBeLessThan(secrets)
  await killAfter(20, both, dataDir, databaseUrl)
  expect(await left()).toBeLessThan(afterKill)

  const server = await createServer({ dataDir, databaseUrl, port: 0, encryptionKeys: both, logLevel: 'silent' })
  onTestFinished(() => server.close(0))
  await expect.poll(left, { timeout: 30_000 }).toBe(0)
  await reading.secondRound
  const { reads, failures } = await reading.stop()
  expect(failures).toEqual([])
  expect(reads).toBeGreaterThanOrEqual(50)

  // Only the newest master key and one data key a project are needed by now.
  const last = createVault({ store, masterKeys: parseMasterKeys(newer) })
  for (const address of places) expect(String(await last.get(address))).toBe(textOf(address))
  expect(await store.dataKeys.summarize()).toMatchObject(projectNames.map(() => ({ retiredAt: null, secrets: 200 })))
}

function place(projectId: string, index: number): SecretAddress {
  return { projectId, ownerKind: 'connection', ownerId: String(index).padStart(4, '0'), field: 'access_token' }
}

function textOf({ projectId, ownerId }: SecretAddress): string {
  return `token ${ownerId} of ${projectId}`
}

interface Reading {
  /** Resolves after a second of reads. */
  secondRound: Promise<void>
  stop(): Promise<{ reads: number; failures: string[] }>
}

/** Reads a secret every 20 ms, whether or not the one before has come. */
function startReading(vault: Vault, places: readonly SecretAddress[]): Reading {
  const failures: string[] = []
  const running: Promise<void>[] = []
  const second = Promise.withResolvers<void>()
  const timer = setInterval(() => {
    const address = places[(running.length * 37) % places.length] as SecretAddress
    running.push(
      vault.get(address).then(
        (found) => {
          if (String(found) !== textOf(address)) failures.push(`${textOf(address)}: ${String(found)}`)
        },
        (error: unknown) => void failures.push(`${textOf(address)}: ${String(error)}`),
      ),
    )
    if (running.length === 50) second.resolve()
  }, 20)
  const end = async (): Promise<{ reads: number; failures: string[] }> => {
    clearInterval(timer)
    await Promise.all(running)
    return { reads: running.length, failures }
  }
  onTestFinished(async () => void (await end()))
  return { secondRound: second.promise, stop: end }
}

/** Runs a rotation in a process of its own and kills it in the middle of the secret after that many. */
async function killAfter(count: number, keys: string, dataDir: string, databaseUrl = ''): Promise<void> {
  const script = fileURLToPath(new URL('./fixtures/rotate.ts', import.meta.url))
  const args = [
    '--conditions=@atp/source',
    script,
    String(count),
    dataDir,
    ...(databaseUrl === '' ? [] : [databaseUrl]),
  ]
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ATP_ENCRYPTION_KEYS: keys },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const exited = new Promise((resolve) => child.on('exit', resolve))
  let seen = 0
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'kill me') child.kill('SIGKILL')
    else seen += 1
  }
  await exited
  expect(seen).toBe(count)
}
