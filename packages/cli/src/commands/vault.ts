import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AtpError, silentLogger } from '@atp/core'
import type { MasterKeyStatus, MasterKeys, Store, VaultStatus } from '@atp/server'
import type { Command } from 'commander'
import type { CliIo } from '../cli-io.ts'
import { type Cell, createOutput, type Output } from '../output.ts'
import { findDatabaseUrl, readDataFolder } from '../settings.ts'
import { addExamples, databaseHelp } from './shared-options.ts'

interface VaultOptions {
  data?: string
  databaseUrl?: string
  json?: true
}

interface RotateOptions extends VaultOptions {
  dataKeys?: true
}

/** `atp vault generate-key|status|rotate` */
export function defineVault(vault: Command, io: CliIo): void {
  const output = createOutput(io)
  addExamples(vault, ['atp vault generate-key', 'atp vault status', 'atp vault rotate']).addHelpText(
    'after',
    '\nKeys come from ATP_ENCRYPTION_KEYS or the file of ATP_ENCRYPTION_KEYS_FILE, else from the file "encryption-keys"' +
      '\nof a development server. These commands work on the data itself, also beside a running server.',
  )

  const generate = vault
    .command('generate-key')
    .description('make a key for ATP_ENCRYPTION_KEYS; it is kept nowhere')
    .option('--json', 'print {"id", "entry"}')
  addExamples(generate, ['atp vault generate-key', 'atp vault generate-key > /etc/atp/keys']).action(
    async (options: VaultOptions) => {
      const made = (await import('@atp/server')).generateMasterKey()
      if (options.json) return output.json(made)
      // Alone on stdout, so that it can be sent into a file.
      output.line(made.entry)
      output.note(
        `Made the encryption key "${made.id}". Put it first in ATP_ENCRYPTION_KEYS and keep a copy where you keep ` +
          'passwords: without it what it encrypts is lost.',
      )
    },
  )

  const status = vault.command('status').description('list encryption keys, what needs them, and what is left to do')
  addExamples(addPlaceOptions(status), ['atp vault status', 'atp vault status --json']).action(
    async (options: VaultOptions) => {
      const { readVaultStatus } = await import('@atp/server')
      const keys = await readKeys(options, io)
      const found = await onStore(options, io, (store) => readVaultStatus(store, keys))
      if (options.json) return output.json(toWireStatus(found))
      showStatus(found, output)
    },
  )

  const rotate = vault
    .command('rotate')
    .description('encrypt everything with the newest keys, and finish rotations that were cut off')
    .option('--data-keys', 'make new keys for the secrets themselves, too')
  addExamples(addPlaceOptions(rotate), ['atp vault rotate', 'atp vault rotate --data-keys']).action(
    async (options: RotateOptions) => {
      const { createVault, readVaultStatus, rotateVault } = await import('@atp/server')
      const masterKeys = await readKeys(options, io)
      if (masterKeys === undefined) throw noKeys()
      const { report, after } = await onStore(options, io, async (store) => {
        checkKeys(await readVaultStatus(store, masterKeys))
        const vault = createVault({ store, masterKeys })
        const done = await rotateVault({ store, vault, masterKeys, dataKeys: options.dataKeys })
        return { report: done, after: await readVaultStatus(store, masterKeys) }
      })
      if (options.json) output.json({ ...report, ...toWireStatus(after) })
      else {
        output.line(
          `Wrapped ${report.wrapped} data keys and encrypted ${report.encrypted} secrets anew; ` +
            `deleted ${report.removed} old data keys.`,
        )
        if (report.kept > 0) {
          output.line(
            `${report.kept} old data keys stay, as stored calls are sealed under them: the server deletes them when ` +
              'those calls are forgotten.',
          )
        }
        showStatus(after, output)
      }
      if (report.unreadable > 0) {
        throw new AtpError('vault_unreadable', `${report.unreadable} data keys or secrets cannot be read and stay`)
      }
    },
  )
}

function addPlaceOptions(command: Command): Command {
  return command
    .option('--json', 'print one JSON value')
    .option('--data <folder>', 'where the data is kept (ATP_DATA; default: ./.atp)')
    .option('--database-url <url>', databaseHelp)
}

async function readKeys(options: VaultOptions, io: CliIo): Promise<MasterKeys | undefined> {
  const { parseMasterKeys, readEncryptionKeys, readKeyFile } = await import('@atp/server')
  const text = readEncryptionKeys(io.env) ?? (await readKeyFile(readDataFolder(options.data, io).folder))
  return text === undefined ? undefined : parseMasterKeys(text)
}

async function onStore<T>(options: VaultOptions, io: CliIo, work: (store: Store) => Promise<T>): Promise<T> {
  const { openStore } = await import('@atp/server')
  const { folder: dataDir } = readDataFolder(options.data, io)
  const databaseUrl = await findDatabaseUrl(options, io)
  // A look at a mistyped folder must not leave an empty database there.
  if (databaseUrl === undefined && !existsSync(join(dataDir, 'atp.sqlite'))) {
    throw new AtpError('data_folder_unusable', `There is no ATP data in the folder "${dataDir}"`)
  }
  const store = await openStore({ dataDir, databaseUrl, serve: false, create: false, logger: silentLogger })
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/** Before anything is changed: half a rotation would help nobody. */
function checkKeys({ keys }: VaultStatus): void {
  const missing = keys.filter(({ state }) => state === 'missing').map(({ id }) => `"${id}"`)
  if (missing.length === 0) return
  throw new AtpError(
    'invalid_config',
    `Secrets of this server need the encryption key ${missing.join(', ')}: add it to ATP_ENCRYPTION_KEYS, after the newest`,
  )
}

function noKeys(): AtpError {
  return new AtpError(
    'invalid_config',
    'No encryption key: give those of the server in ATP_ENCRYPTION_KEYS or ATP_ENCRYPTION_KEYS_FILE, the newest first',
  )
}

function showStatus(status: VaultStatus, output: Output): void {
  if (status.keys.length === 0) {
    output.note('There are no encryption keys, and no secrets.')
    return
  }
  output.table(
    ['KEY', 'STATE', 'DATA KEYS', 'SECRETS'],
    status.keys.map((key) => [key.id, stateOf(key), key.dataKeys, key.secrets]),
  )
  const { dataKeysToWrap, secretsToEncrypt } = status
  output.note(
    dataKeysToWrap + secretsToEncrypt === 0
      ? 'Nothing is left to rotate.'
      : `Left to rotate: ${dataKeysToWrap} data keys of older keys, ${secretsToEncrypt} secrets of retired data keys. ` +
          'The server does it when it starts; so does: atp vault rotate',
  )
}

function stateOf({ state }: MasterKeyStatus): Cell {
  const styles = { newest: 'green', older: 'yellow', missing: 'red' } as const
  return { text: state, style: styles[state] }
}

function toWireStatus({ keys, dataKeysToWrap, secretsToEncrypt }: VaultStatus): Record<string, unknown> {
  return {
    keys: keys.map(({ id, state, dataKeys, secrets }) => ({ id, state, data_keys: dataKeys, secrets })),
    left: { data_keys: dataKeysToWrap, secrets: secretsToEncrypt },
  }
}
