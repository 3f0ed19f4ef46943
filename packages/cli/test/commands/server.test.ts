import { readFileSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runAtp, startAtp, temporaryFolder } from '../run-atp.ts'

const readyLine = /^ATP server ready on (http:\/\/127\.0\.0\.1:\d+)$/

function urlOf(line: string): string {
  return readyLine.exec(line)?.[1] ?? ''
}

/** A port that is taken until the test ends. */
async function takenPort(): Promise<string> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close())
  return String((server.address() as AddressInfo).port)
}

describe('atp server', () => {
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
})
