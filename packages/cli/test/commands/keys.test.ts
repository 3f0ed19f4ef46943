import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Demo, startDemo } from '../demo-server.ts'
import { runAtp, temporaryFolder } from '../run-atp.ts'

let demo: Demo
beforeAll(async () => {
  demo = await startDemo()
})
afterAll(() => demo[Symbol.asyncDispose]())

function keys(...args: string[]) {
  return runAtp(['keys', ...args], { env: { ATP_DATA: demo.folder } })
}

const id = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/

describe('atp keys through a server', () => {
  it('makes a key that works, and prints exactly id, kind, name and key', async () => {
    const { code, stdout, stderr } = await keys('create', '--kind', 'llm', '--name', 'my agent', '--json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const made = JSON.parse(stdout)
    expect(made).toEqual({
      id: expect.stringMatching(id),
      kind: 'llm',
      name: 'my agent',
      key: expect.stringMatching(/^atp_llm_/),
    })
    expect(await demo.server.isValidKey(made.key, 'llm')).toBe(true)
  })

  it('prints the key alone on stdout for people, and the rest on stderr', async () => {
    const { code, stdout, stderr } = await keys('create', '--kind', 'toolkit', '--name', 'tools of keys')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^atp_toolkit_\w+\n$/)
    expect(stderr).toContain('"tools of keys"')
    expect(stderr).toContain('not shown again')
    expect(await demo.server.isValidKey(stdout.trim(), 'toolkit')).toBe(true)
  })

  it('lists keys without the keys', async () => {
    const json = await keys('list', '--json')
    const [first] = JSON.parse(json.stdout).keys
    expect(Object.keys(first).sort()).toEqual(
      ['created_at', 'expires_at', 'id', 'kind', 'name', 'revoked_at', 'toolkit_id'].sort(),
    )
    expect(json.stdout).not.toMatch(/atp_(admin|llm|toolkit)_/)
    const table = await keys('list')
    expect(table.stdout).toMatch(/^ID +KIND +STATE +CREATED +NAME\n/)
    expect(table.stdout).toMatch(/ admin +active +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +dev admin\n/)
  })

  it('revokes a key at once', async () => {
    const made = JSON.parse((await keys('create', '--kind', 'llm', '--json')).stdout)
    const revoked = await keys('revoke', made.id, '--json')
    expect(revoked.code).toBe(0)
    expect(JSON.parse(revoked.stdout)).toMatchObject({ id: made.id, kind: 'llm', revoked_at: expect.any(Number) })
    expect(await demo.server.isValidKey(made.key, 'llm')).toBe(false)
    const again = await keys('revoke', made.id)
    expect(again).toMatchObject({ code: 0, stdout: `Revoked the llm key ${made.id}.\n` })
    expect((await keys('list')).stdout).toMatch(new RegExp(`${made.id} +llm +revoked`))
  })

  it('says that an id is unknown', async () => {
    const { code, stdout } = await keys('revoke', '../toolkits', '--json')
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toEqual({ error: expect.stringContaining('"../toolkits"'), code: 'not_found' })
  })

  it('refuses a key of another kind', async () => {
    const failed = await runAtp(['keys', 'list', '--base-url', demo.url], { env: { ATP_API_KEY: demo.keys.llmKey } })
    expect(failed).toMatchObject({ code: 1, stdout: '' })
    expect(failed.stderr).toContain('(forbidden)')
  })
})

describe('atp keys on a data folder', () => {
  it('makes the first key where no server has ever run', async () => {
    const data = join(temporaryFolder(), 'new')
    const made = await runAtp(['keys', 'create', '--kind', 'admin', '--data', data, '--json'])
    expect({ code: made.code, stderr: made.stderr }).toEqual({ code: 0, stderr: '' })
    expect(Object.keys(JSON.parse(made.stdout))).toEqual(['id', 'kind', 'name', 'key'])
    const list = await runAtp(['keys', 'list', '--json'], { env: { ATP_DATA: data } })
    expect(JSON.parse(list.stdout).keys).toEqual([
      {
        id: JSON.parse(made.stdout).id,
        kind: 'admin',
        name: '',
        toolkit_id: null,
        created_at: expect.any(Number),
        expires_at: null,
        revoked_at: null,
      },
    ])
    const revoked = await runAtp(['keys', 'revoke', JSON.parse(made.stdout).id, '--data', data])
    expect(revoked.code).toBe(0)
  })

  it('does not make a folder that it only looks at', async () => {
    const data = join(temporaryFolder(), 'mistyped')
    const failed = await runAtp(['keys', 'list', '--data', data])
    expect(failed).toMatchObject({ code: 1, stdout: '' })
    expect(failed.stderr).toContain(`no ATP data in the folder "${data}"`)
    expect(existsSync(data)).toBe(false)
  })

  it('is not used when the user names a server, or no folder', async () => {
    const data = temporaryFolder()
    const named = await runAtp(['keys', 'create', '--kind', 'llm', '--data', data, '--base-url', 'http://127.0.0.1:9'])
    expect(named.code).toBe(1)
    expect(named.stderr).toContain('No admin key')
    const without = await runAtp(['keys', 'create', '--kind', 'llm'], { cwd: data })
    expect(without.code).toBe(1)
    expect(without.stderr).toContain('No admin key')
    expect(existsSync(join(data, 'atp.sqlite'))).toBe(false)
  })

  it('says what is wrong with a name', async () => {
    const args = [
      'keys',
      'create',
      '--kind',
      'toolkit',
      '--name',
      'x'.repeat(129),
      '--data',
      temporaryFolder(),
      '--json',
    ]
    const failed = await runAtp(args)
    expect(failed.code).toBe(1)
    expect(JSON.parse(failed.stdout)).toMatchObject({ code: 'invalid_name' })
  })
})

describe('atp keys on a database', () => {
  it('says what is wrong with it, and never its password', async () => {
    const url = 'postgres://atp:s3cret@127.0.0.1:1/atp'
    for (const options of [
      { args: ['--database-url', url] },
      { args: [], env: { ATP_DATABASE_URL: url } },
      { args: [], env: { DATABASE_URL: url } },
    ]) {
      const { args, env } = { env: {}, ...options }
      const failed = await runAtp(['keys', 'list', '--json', ...args], { env, cwd: temporaryFolder() })
      expect(failed.code).toBe(1)
      expect(JSON.parse(failed.stdout)).toEqual({
        error: expect.stringContaining('postgres://atp@127.0.0.1:1/atp cannot be used'),
        code: 'database_unusable',
      })
      expect(failed.stdout + failed.stderr).not.toContain('s3cret')
    }
  })

  it('is not used where a folder is named and only another program names a database', async () => {
    const env = { DATABASE_URL: 'postgres://127.0.0.1:1/app' }
    const data = temporaryFolder()
    expect((await runAtp(['keys', 'create', '--kind', 'llm', '--data', data], { env })).code).toBe(0)
    const none = await runAtp(['keys', 'list', '--json'], { env: { DATABASE_URL: 'mysql://127.0.0.1/app' } })
    expect(JSON.parse(none.stdout)).toMatchObject({
      code: 'invalid_config',
      error: expect.stringContaining('No admin'),
    })
  })

  it.skipIf(inject('postgresUrl') === '')('makes the first key, lists and revokes, beside a server', async () => {
    const url = `${inject('postgresUrl')}?schema=cli_keys`
    // Keys of a development server that happen to lie here are not what was asked for.
    const cwd = demo.folder
    const empty = await runAtp(['keys', 'list', '--database-url', url], { cwd })
    expect(empty).toMatchObject({ code: 1, stdout: '' })
    expect(empty.stderr).toContain('There is no ATP data in the database')
    const made = await runAtp(['keys', 'create', '--kind', 'admin', '--database-url', url, '--json'], { cwd })
    expect({ code: made.code, stderr: made.stderr }).toEqual({ code: 0, stderr: '' })
    const env = { ATP_DATABASE_URL: url }
    const list = await runAtp(['keys', 'list', '--json'], { env, cwd })
    expect(JSON.parse(list.stdout).keys).toMatchObject([{ id: JSON.parse(made.stdout).id, kind: 'admin' }])
    expect((await runAtp(['keys', 'revoke', JSON.parse(made.stdout).id], { env, cwd })).code).toBe(0)
  })
})
