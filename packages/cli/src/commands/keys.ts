import type { KeyKind, StorePlace } from '@atp/server'
import { type Command, Option } from 'commander'
import { createAdminClient } from '../admin-client.ts'
import type { CliIo } from '../cli-io.ts'
import type { KeyAdmin } from '../key-admin.ts'
import { type Cell, createOutput } from '../output.ts'
import { localTime } from '../plain-text.ts'
import { findConnection, findDatabaseUrl, readConnection, readDataFolder } from '../settings.ts'
import type { WireKey } from '../wire-bodies.ts'
import { addExamples, addRequestOptions, databaseHelp, type RequestOptions } from './shared-options.ts'

interface KeyOptions extends RequestOptions {
  databaseUrl?: string
}

interface CreateOptions extends KeyOptions {
  kind: KeyKind
  name?: string
}

const kinds: readonly KeyKind[] = ['toolkit', 'llm', 'admin']

/** `atp keys create|list|revoke` */
export function defineKeys(keys: Command, io: CliIo): void {
  const output = createOutput(io)
  addExamples(keys, [
    'atp keys create --kind llm --name "my agent"',
    'atp keys list',
    'atp keys create --kind admin --data /var/lib/atp    the first key of a server, made on its data folder',
    'ATP_DATABASE_URL=postgres://… atp keys create --kind admin    the same, in its PostgreSQL database',
  ]).addHelpText(
    'after',
    '\nWith a database (--database-url, ATP_DATABASE_URL or DATABASE_URL) or a data folder (--data or ATP_DATA) and no key,' +
      '\nthese work on the data itself.',
  )

  const create = keys
    .command('create')
    .description('make a key and show it, once')
    .addOption(new Option('--kind <kind>', 'what the key is for').choices(kinds).makeOptionMandatory())
    .option('--name <name>', 'a name for people; for a toolkit key the toolkit it stands for')
  addExamples(addKeyOptions(create), [
    'atp keys create --kind toolkit --name workspace',
    'atp keys create --kind llm --json',
  ]).action(async (options: CreateOptions) => {
    const { kind, name } = options
    const made = await (await keyAdmin(options, io)).create({ kind, ...(name === undefined ? {} : { name }) })
    if (options.json) return output.json(made)
    // Alone on stdout, so that $(atp keys create …) is the key.
    output.line(made.key)
    output.note(`Made the ${kind} key ${describe(made)}. It is not shown again: keep it in a safe place.`)
  })

  const list = keys.command('list').description('list keys, newest first; never the keys themselves')
  addExamples(addKeyOptions(list), ['atp keys list', 'atp keys list --json']).action(async (options: KeyOptions) => {
    const found = await (await keyAdmin(options, io)).list()
    if (options.json) return output.json(found)
    if (found.keys.length === 0) return output.note('There are no keys.')
    output.table(
      ['ID', 'KIND', 'STATE', 'CREATED', 'NAME'],
      found.keys.map((key) => [key.id, key.kind, stateOf(key), localTime(key.created_at), key.name || '-']),
    )
  })

  const revoke = keys
    .command('revoke')
    .description('end a key for good and close what it has open')
    .argument('<id>', 'the id of the key, from atp keys list')
  addExamples(addKeyOptions(revoke), ['atp keys revoke 0198c0de-0000-7000-8000-000000000001']).action(
    async (id: string, options: KeyOptions) => {
      const revoked = await (await keyAdmin(options, io)).revoke(id)
      if (options.json) return output.json(revoked)
      output.line(`Revoked the ${revoked.kind} key ${describe(revoked)}.`)
    },
  )
}

function addKeyOptions(command: Command): Command {
  return addRequestOptions(command).option('--database-url <url>', databaseHelp)
}

/** Through a server where there is a key for it, else on the data that the user named. */
async function keyAdmin(options: KeyOptions, io: CliIo): Promise<KeyAdmin> {
  const { folder, named } = readDataFolder(options.data, io)
  // A database named for ATP comes before the keys of a server that merely happens to have run in this folder.
  const ours = (options.databaseUrl ?? io.env.ATP_DATABASE_URL) || undefined
  if (ours && !options.apiKey && !io.env.ATP_API_KEY && !options.baseUrl) {
    return localKeys({ dataDir: folder, databaseUrl: ours })
  }
  const connection = await findConnection(options, io, 'admin')
  if (connection) return createAdminClient(connection).keys
  // Whoever names a server means that server.
  if (options.baseUrl) return createAdminClient(await readConnection(options, io, 'admin')).keys
  const databaseUrl = await findDatabaseUrl(options, io)
  if (databaseUrl || named) return localKeys({ dataDir: folder, databaseUrl })
  return createAdminClient(await readConnection(options, io, 'admin')).keys
}

async function localKeys(place: StorePlace): Promise<KeyAdmin> {
  return (await import('../local-keys.ts')).createLocalKeys(place)
}

function describe(key: { id: string; name: string }): string {
  return key.name === '' ? key.id : `"${key.name}" (${key.id})`
}

function stateOf(key: WireKey): Cell {
  if (key.revoked_at !== null) return { text: 'revoked', style: 'red' }
  if (key.expires_at !== null && key.expires_at <= Date.now()) return { text: 'expired', style: 'yellow' }
  return { text: 'active', style: 'green' }
}
