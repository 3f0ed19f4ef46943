import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import {
  encryptionKeys,
  type Finished,
  type RunningAtp,
  type RunOptions,
  startAtp as start,
  temporaryFolder,
} from '../run-atp.ts'

const readyLine = /^ATP server ready on (http:\/\/127\.0\.0\.1:\d+)$/

function urlOf(line: string): string {
  return readyLine.exec(line)?.[1] ?? ''
}

/** Starts the command with a key for its secrets. */
function startAtp(args: readonly string[], { env, ...options }: RunOptions = {}): RunningAtp {
  return start(args, { ...options, env: { ATP_ENCRYPTION_KEYS: encryptionKeys, ...env } })
}

function runAtp(args: readonly string[], options?: RunOptions): Promise<Finished> {
  return startAtp(args, options).finished
}

/** A port that is taken until the test ends. */
async function takenPort(): Promise<string> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close())
  return String((server.address() as AddressInfo).port)
}

describe('atp server', () => {
  it('serves the Python SDK unless told otherwise', async () => {
    for (const [flags, status] of [
      [[], 401],
      [['--no-legacy'], 404],
    ] as const) {
      const cwd = temporaryFolder()
      const server = startAtp(['server', '--dev', '--port', '0', '--json', ...flags], { cwd })
      const { url } = JSON.parse(await server.firstLine)
      expect((await fetch(`${url}/api/v1/toolkit/wrong/inbox`)).status).toBe(status)
      server.child.kill('SIGINT')
      await server.finished
    }
  })

  it('shows metrics to whom it is told, and to everybody on this machine when nothing is said', async () => {
    for (const [flags, status] of [
      [[], 200],
      [['--metrics', 'admin'], 401],
    ] as const) {
      const server = startAtp(['server', '--dev', '--port', '0', '--json', ...flags], { cwd: temporaryFolder() })
      const { url } = JSON.parse(await server.firstLine)
      expect((await fetch(`${url}/metrics`)).status).toBe(status)
      server.child.kill('SIGINT')
      await server.finished
    }
  })

  it('tells when it is ready, serves, and ends with 0 on SIGTERM', async () => {
    const data = temporaryFolder()
    const server = startAtp(['server', '--port', '0', '--data', data])
    const line = await server.firstLine
    expect(line).toMatch(readyLine)
    expect((await fetch(`${urlOf(line)}/readyz`)).status).toBe(200)
    server.child.kill('SIGTERM')
    const { code, stdout, stderr } = await server.finished
    expect(code).toBe(0)
    expect(stdout).toBe(`${line}\n`)
    expect(stderr).toContain('"event":"server.listening"')
  })

  it('says how to make the first admin key, and says it no more once there is one', async () => {
    const data = temporaryFolder()
    const first = startAtp(['server', '--port', '0', '--data', data, '--log-level', 'silent'])
    await first.firstLine
    // Beside the running server, as the hint says.
    const made = await runAtp(['keys', 'create', '--kind', 'admin', '--data', data])
    expect(made.code).toBe(0)
    const baseUrl = urlOf(await first.firstLine)
    const env = { ATP_API_KEY: made.stdout.trim(), ATP_BASE_URL: baseUrl }
    expect((await runAtp(['keys', 'list', '--json'], { env })).code).toBe(0)
    first.child.kill('SIGTERM')
    expect((await first.finished).stderr).toBe(
      `There is no admin key yet. Make one with: atp keys create --kind admin --data "${data}"\n`,
    )
    const second = startAtp(['server', '--port', '0', '--data', data, '--log-level', 'silent'])
    await second.firstLine
    second.child.kill('SIGTERM')
    expect((await second.finished).stderr).toBe('')
  })

  it('writes keys for development to a file and not to stdout, which is no terminal here', async () => {
    const cwd = temporaryFolder()
    const server = startAtp(['server', '--dev', '--port', '0', '--json'], { cwd })
    const { url } = JSON.parse(await server.firstLine)
    const path = join(cwd, '.atp', 'dev-keys.json')
    const keys = JSON.parse(readFileSync(path, 'utf8'))
    expect(keys.baseUrl).toBe(url)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    // In the same folder no other setting is needed.
    expect((await runAtp(['toolkits', 'list', '--json'], { cwd })).stdout).toBe('{"toolkits":[]}\n')
    expect((await runAtp(['toolkits', 'list', '--json'], { cwd: '/', env: { INIT_CWD: cwd } })).code).toBe(0)
    server.child.kill('SIGINT')
    const { code, stdout, stderr } = await server.finished
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ url })
    expect(stderr).toBe(`Keys for development are in ${path}\n`)
  })

  it('takes port, host, data and log level from the environment, and flags before that', async () => {
    const data = temporaryFolder()
    const env = { PORT: '0', ATP_HOST: '127.0.0.1', ATP_DATA: data, ATP_LOG_LEVEL: 'info' }
    const server = startAtp(['server', '--log-level', 'error'], { env })
    expect(await server.firstLine).toMatch(readyLine)
    expect(statSync(join(data, 'atp.sqlite')).isFile()).toBe(true)
    server.child.kill('SIGTERM')
    expect((await server.finished).stderr).not.toContain('server.listening')
  })

  it.each([
    ['flags', ['--trusted-proxy', '192.0.2.1', '--trusted-proxy', '127.0.0.0/8'], {}],
    ['the environment', [], { ATP_TRUSTED_PROXIES: '192.0.2.1, 127.0.0.0/8' }],
    ['flags before the environment', ['--trusted-proxy', '127.0.0.1'], { ATP_TRUSTED_PROXIES: '192.0.2.1' }],
  ])('believes the proxies that are named by %s', async (_by, flags, env) => {
    const args = ['server', '--dev', '--port', '0', '--json', '--data', temporaryFolder(), ...flags]
    const server = startAtp(args, { env })
    const { url } = JSON.parse(await server.firstLine)
    const statusFor = async (address: string): Promise<number> => {
      const headers = { authorization: 'Bearer wrong', 'x-forwarded-for': address }
      return (await fetch(`${url}/api/v2/keys`, { headers })).status
    }
    for (let i = 0; i < 10; i += 1) expect(await statusFor('198.51.100.1')).toBe(401)
    expect(await statusFor('198.51.100.1')).toBe(429)
    expect(await statusFor('198.51.100.2')).toBe(401)
    server.child.kill('SIGTERM')
    await server.finished
  })

  it('refuses what cannot be a proxy', async () => {
    const failed = await runAtp(['server', '--port', '0', '--data', temporaryFolder(), '--trusted-proxy', 'nginx'])
    expect(failed).toMatchObject({ code: 1, stdout: '' })
    expect(failed.stderr).toContain('"nginx" cannot be a trusted proxy')
  })

  it('refuses to start without a key for its secrets, says how to make one, and leaves nothing behind', async () => {
    const data = join(temporaryFolder(), 'new')
    const args = ['server', '--port', '0', '--data', data]
    const failed = await runAtp(args, { env: { ATP_ENCRYPTION_KEYS: '' } })
    expect(failed).toMatchObject({ code: 1, stdout: '' })
    expect(failed.stderr).toContain('atp vault generate-key')
    expect(failed.stderr).toContain('(invalid_config)')
    const weak = await runAtp(args, { env: { ATP_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}` } })
    expect(weak).toMatchObject({ code: 1, stdout: '' })
    expect(weak.stderr).toContain('the key "k1" is a sample')
    expect(existsSync(data)).toBe(false)
  })

  it('refuses a port in use', async () => {
    const port = await takenPort()
    const failed = await runAtp([
      'server',
      '--port',
      port,
      '--data',
      temporaryFolder(),
      '--log-level',
      'error',
      '--json',
    ])
    expect(failed.code).toBe(1)
    expect(JSON.parse(failed.stdout)).toEqual({ error: expect.stringContaining(port), code: 'port_in_use' })
    expect(failed.stderr.trim().split('\n')).toHaveLength(1)
  })

  it('refuses a data folder that another server uses', async () => {
    const data = temporaryFolder()
    const first = startAtp(['server', '--port', '0', '--data', data])
    await first.firstLine
    const second = await runAtp(['server', '--port', '0', '--data', data])
    expect(second).toMatchObject({ code: 1, stdout: '' })
    expect(second.stderr).toContain('(data_folder_in_use)')
    first.child.kill('SIGTERM')
    await first.finished
  })

  it('refuses a data folder that is a file', async () => {
    const file = join(temporaryFolder(), 'file')
    writeFileSync(file, '')
    const failed = await runAtp(['server', '--port', '0', '--data', file])
    expect(failed).toMatchObject({ code: 1, stdout: '' })
    expect(failed.stderr).toContain('(data_folder_unusable)')
  })

  it('refuses development keys on a host that others reach', async () => {
    const failed = await runAtp(['server', '--dev', '--host', '0.0.0.0', '--port', '0', '--data', temporaryFolder()])
    expect(failed).toMatchObject({ code: 1, stdout: '' })
    expect(failed.stderr).toContain('--dev-allow-remote')
    expect(failed.stderr).toContain('(invalid_config)')
  })

  it('allows them when told so', async () => {
    const args = [
      'server',
      '--dev',
      '--dev-allow-remote',
      '--host',
      '0.0.0.0',
      '--port',
      '0',
      '--data',
      temporaryFolder(),
    ]
    const server = startAtp(args)
    expect(await server.firstLine).toMatch(readyLine)
    server.child.kill('SIGTERM')
    expect((await server.finished).code).toBe(0)
  })

  it('names environment variables that cannot be used', async () => {
    const failed = await runAtp(['server', '--data', temporaryFolder()], {
      env: { PORT: 'many', ATP_LOG_LEVEL: 'loud' },
    })
    expect(failed).toMatchObject({ code: 1, stdout: '' })
    expect(failed.stderr).toContain('PORT')
    expect(failed.stderr).toContain('ATP_LOG_LEVEL')
  })

  it.skipIf(inject('postgresUrl') === '')(
    'keeps its data in a database when told so, and one server only',
    async () => {
      const url = `${inject('postgresUrl').replace('postgres@', 'postgres:s3cret@')}?schema=cli_server`
      const data = join(temporaryFolder(), 'unused')
      const args = ['server', '--port', '0', '--data', data, '--log-level', 'debug']
      const first = startAtp(args, { env: { ATP_DATABASE_URL: url } })
      expect((await fetch(`${urlOf(await first.firstLine)}/readyz`)).status).toBe(200)
      const second = await runAtp([...args, '--database-url', url])
      expect(second).toMatchObject({ code: 1, stdout: '' })
      expect(second.stderr).toContain('(database_in_use)')
      const made = await runAtp(['keys', 'create', '--kind', 'admin', '--database-url', url])
      expect(made.code).toBe(0)
      first.child.kill('SIGTERM')
      const { code, stderr } = await first.finished
      expect(code).toBe(0)
      expect(stderr).toContain('atp keys create --kind admin --database-url URL\n')
      expect(stderr + second.stderr).not.toContain('s3cret')
      expect(existsSync(data)).toBe(false)
    },
  )

  it('takes the folder again with an empty --database-url', async () => {
    const data = temporaryFolder()
    const env = { ATP_DATABASE_URL: 'postgres://127.0.0.1:1/atp' }
    const server = startAtp(['server', '--port', '0', '--data', data, '--database-url='], { env })
    expect(await server.firstLine).toMatch(readyLine)
    expect(existsSync(join(data, 'atp.sqlite'))).toBe(true)
    server.child.kill('SIGTERM')
    await server.finished
  })
})
