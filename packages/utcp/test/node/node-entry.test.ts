import { mkdtemp, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { environmentLoader } from '../../src/index.ts'
import { createUtcpClient, dotenvLoader } from '../../src/node.ts'
import { SqliteToolRepository, sqliteRepositoryType } from '../../src/sqlite.ts'
import { describeVariableLoader } from '../contracts/index.ts'
import { FakeProtocol, manualOf, toolOf } from '../support/fake-protocol.ts'

const folders: string[] = []

async function folder(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'utcp-'))
  folders.push(made)
  for (const [name, text] of Object.entries(files)) await writeFile(join(made, name), text)
  return made
}

afterAll(async () => {
  for (const each of folders) await rm(each, { recursive: true })
})

describeVariableLoader('environment', async (values) => environmentLoader(values))
describeVariableLoader('dotenv', async (values) => {
  const text = Object.entries(values).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return dotenvLoader({ env_file_path: '.env', rootDir: await folder({ '.env': text.join('\n') }) })
})

describe('dotenv', () => {
  it('sees a file that changes, comes and goes', async () => {
    const rootDir = await folder()
    const file = join(rootDir, '.env')
    const loader = dotenvLoader({ env_file_path: '.env', rootDir })
    expect(await loader.get('A')).toBeUndefined()
    await writeFile(file, 'A=1\n# comment\nexport B="two words"')
    expect([await loader.get('A'), await loader.get('B')]).toEqual(['1', 'two words'])
    await writeFile(file, 'A=2')
    await utimes(file, new Date(), new Date(Date.now() + 5_000))
    expect([await loader.get('A'), await loader.get('B')]).toEqual(['2', undefined])
    await rm(file)
    expect(await loader.get('A')).toBeUndefined()
  })

  it('says which file cannot be read', async () => {
    const loader = dotenvLoader({ env_file_path: '.', rootDir: await folder() })
    await expect(loader.get('A')).rejects.toMatchObject({ code: 'invalid_config' })
  })
})

const config = `{
  "variables": { "m_HOST": "https://x.example" }, // a comment
  "load_variables_from": [{ "variable_loader_type": "dotenv", "env_file_path": "secrets.env" }],
  /* and another */
  "manual_call_templates": [
    { "name": "m", "call_template_type": "fake", "url": "\${HOST}/\${PATH_OF_IT}", },
  ],
}`

describe('createUtcpClient', () => {
  it('loads a file with comments and trailing commas, with paths relative to the root folder', async () => {
    const rootDir = await folder({ 'config.json': config, 'secrets.env': 'm_PATH_OF_IT=utcp' })
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    await using client = await createUtcpClient('config.json', { protocols: [protocol], rootDir })
    expect(protocol.discoveries[0]?.template.url).toBe('https://x.example/utcp')
    expect(await client.callTool('m.a', { x: 1 })).toEqual({ x: 1 })
  })

  it('loads YAML', async () => {
    const yaml =
      'variables:\n  m_A: one\nmanual_call_templates:\n  - name: m\n    call_template_type: fake\n    url: $A # mine\n'
    const protocol = new FakeProtocol(manualOf([]))
    await createUtcpClient('c.yaml', { protocols: [protocol], rootDir: await folder({ 'c.yaml': yaml }) })
    expect(protocol.discoveries[0]?.template.url).toBe('one')
  })

  it('reads the list of providers of UTCP 0.x and its dotenv loader', async () => {
    const rootDir = await folder({
      'old.json':
        '{"providers_file_path": "providers.json", "load_variables_from": [{"type": "dotenv", "env_file_path": "e"}]}',
      'providers.json': '[{"name": "m", "provider_type": "http_stream", "url": "$URL"}]',
      e: 'm_URL=here',
    })
    const protocol = new FakeProtocol(manualOf([]), ['streamable_http'])
    await createUtcpClient('old.json', { protocols: [protocol], rootDir })
    expect(protocol.discoveries[0]?.template).toEqual({ name: 'm', call_template_type: 'streamable_http', url: 'here' })
  })

  it.each([
    ['nope.json', {}, 'nope.json'],
    ['c.json', { 'c.json': '{"variables": [1,]]' }, 'line 1, column'],
    ['c.yml', { 'c.yml': 'a: [1' }, 'YAML'],
    ['c.json', { 'c.json': '{"providers_file_path": "nope.json"}' }, 'providers_file_path'],
    ['c.json', { 'c.json': '{"providers_file_path": 5}' }, 'providers_file_path'],
    ['c.json', { 'c.json': '[]' }, 'must be an object'],
    ['c.json', { 'c.json': `${'['.repeat(200_000)}` }, 'JSON'],
  ])('refuses %s of %j and says why', async (file, files, problem) => {
    const error = await createUtcpClient(file, { rootDir: await folder(files as never) }).catch((caught) => caught)
    expect(error).toMatchObject({ code: 'invalid_config', message: expect.stringContaining(problem) })
  })

  it('uses the environment of the process last', async () => {
    const protocol = new FakeProtocol(manualOf([]))
    const template = { name: 'zz', call_template_type: 'fake', url: '$FROM_PROCESS' }
    process.env.zz_FROM_PROCESS = 'yes'
    try {
      await createUtcpClient({ manual_call_templates: [template] }, { protocols: [protocol] })
    } finally {
      delete process.env.zz_FROM_PROCESS
    }
    expect(protocol.discoveries[0]?.template.url).toBe('yes')
  })
})

describe('a repository in a file of SQLite', () => {
  it('is named by a configuration, closed with its client, and there again for the next', async () => {
    const rootDir = await folder()
    const configuration = {
      tool_repository: { tool_repository_type: 'sqlite', file: 'tools.sqlite' },
      manual_call_templates: [{ name: 'm', call_template_type: 'fake', key: '$KEY' }],
    }
    const options = { rootDir, toolRepositories: [sqliteRepositoryType], environment: { m_KEY: 'topsecret' } }
    const first = await createUtcpClient(configuration, {
      ...options,
      protocols: [new FakeProtocol(manualOf([toolOf('a')]))],
    })
    await first.close()
    await expect(first.repository.getTools()).rejects.toMatchObject({ code: 'repository_failed' })
    const down = new FakeProtocol(() => Promise.reject(new Error('down')))
    await using second = await createUtcpClient(configuration, { ...options, protocols: [down] })
    expect((await second.searchTools('does a')).map(({ name }) => name)).toEqual(['m.a'])
    expect(await second.callTool('m.a', { x: 1 })).toEqual({ x: 1 })
    const stored = JSON.stringify([
      await second.repository.getManuals(),
      await second.repository.getManualCallTemplates(),
    ])
    expect(stored).not.toContain('topsecret')
  })

  it('is for its owner only when it is new', async () => {
    const file = join(await folder(), 'own.sqlite')
    await new SqliteToolRepository({ file }).close()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('shows two processes each other’s changes', async () => {
    const file = join(await folder(), 'shared.sqlite')
    const one = new SqliteToolRepository({ file })
    const two = new SqliteToolRepository({ file })
    const manual = { utcp_version: '1.0.1', manual_version: '1.0.0', tools: [] }
    await one.saveManual({ name: 'a', call_template_type: 'fake' }, manual)
    const { revision } = await two.getChanges()
    await one.saveManual({ name: 'b', call_template_type: 'fake' }, manual)
    expect(await two.getChanges(revision)).toMatchObject({ manuals: ['b'] })
    expect((await two.getManualCallTemplates()).map(({ name }) => name)).toEqual(['a', 'b'])
    await one.close()
    await two.close()
  })

  it('refuses a file of another version, and one that is none', async () => {
    const rootDir = await folder({ 'text.sqlite': 'this is no database, but long enough to look like one'.repeat(40) })
    const file = join(rootDir, 'newer.sqlite')
    const { DatabaseSync } = await import('node:sqlite')
    const newer = new DatabaseSync(file)
    newer.exec('PRAGMA user_version = 99')
    newer.close()
    expect(() => new SqliteToolRepository({ file })).toThrow('another version')
    expect(() => new SqliteToolRepository({ file: join(rootDir, 'text.sqlite') })).toThrow('Opening')
    expect(() => new SqliteToolRepository({ file: join(rootDir, 'no', 'folder') })).toThrow('Opening')
    expect(() => sqliteRepositoryType.create({}, { path: 'tool_repository', rootDir, logger: console })).toThrow(
      'tool_repository.file: is missing',
    )
  })
})
