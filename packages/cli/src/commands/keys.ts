import type { KeyKind } from '@atp/server'
import { type Command, Option } from 'commander'
import { createAdminClient } from '../admin-client.ts'
import type { CliIo } from '../cli-io.ts'
import type { KeyAdmin } from '../key-admin.ts'
import { type Cell, createOutput } from '../output.ts'
import { localTime } from '../plain-text.ts'
import { findConnection, readConnection, readDataFolder } from '../settings.ts'
import type { WireKey } from '../wire-bodies.ts'
import { addExamples, addRequestOptions, type RequestOptions } from './shared-options.ts'

interface CreateOptions extends RequestOptions {
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
  ]).addHelpText('after', '\nWith a data folder (--data or ATP_DATA) and no key, these work on the folder itself.')

  const create = keys
    .command('create')
    .description('make a key and show it, once')
    .addOption(new Option('--kind <kind>', 'what the key is for').choices(kinds).makeOptionMandatory())
    .option('--name <name>', 'a name for people; for a toolkit key the toolkit it stands for')
  addExamples(addRequestOptions(create), [
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
  addExamples(addRequestOptions(list), ['atp keys list', 'atp keys list --json']).action(
    async (options: RequestOptions) => {
      const found = await (await keyAdmin(options, io)).list()
      if (options.json) return output.json(found)
      if (found.keys.length === 0) return output.note('There are no keys.')
      output.table(
        ['ID', 'KIND', 'STATE', 'CREATED', 'NAME'],
        found.keys.map((key) => [key.id, key.kind, stateOf(key), localTime(key.created_at), key.name || '-']),
      )
    },
  )

  const revoke = keys
    .command('revoke')
    .description('end a key for good and close what it has open')
    .argument('<id>', 'the id of the key, from atp keys list')
  addExamples(addRequestOptions(revoke), ['atp keys revoke 0198c0de-0000-7000-8000-000000000001']).action(
    async (id: string, options: RequestOptions) => {
      const revoked = await (await keyAdmin(options, io)).revoke(id)
      if (options.json) return output.json(revoked)
      output.line(`Revoked the ${revoked.kind} key ${describe(revoked)}.`)
    },
  )
}

/** Through a server where there is a key for it, else on the folder that the user named. */
async function keyAdmin(options: RequestOptions, io: CliIo): Promise<KeyAdmin> {
  const connection = await findConnection(options, io, 'admin')
  if (connection) return createAdminClient(connection).keys
  const { folder, named } = readDataFolder(options.data, io)
  // Whoever names a server means that server.
  if (!named || options.baseUrl) return createAdminClient(await readConnection(options, io, 'admin')).keys
  return (await import('../local-keys.ts')).createLocalKeys(folder)
}

function describe(key: { id: string; name: string }): string {
  return key.name === '' ? key.id : `"${key.name}" (${key.id})`
}

function stateOf(key: WireKey): Cell {
  if (key.revoked_at !== null) return { text: 'revoked', style: 'red' }
  if (key.expires_at !== null && key.expires_at <= Date.now()) return { text: 'expired', style: 'yellow' }
  return { text: 'active', style: 'green' }
}
