import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, startDemo } from '../demo-server.ts'
import { runAtp, startAtp, temporaryFolder } from '../run-atp.ts'

let demo: Demo
beforeAll(async () => {
  demo = await startDemo()
})
afterAll(() => demo[Symbol.asyncDispose]())

/** With the data folder of the demo server as the only setting. */
function call(args: string[], options: { env?: Record<string, string>; stdin?: string; cwd?: string } = {}) {
  return runAtp(['call', ...args], { ...options, env: { ATP_DATA: demo.folder, ...options.env } })
}

describe('atp call', () => {
  it('prints what the tool returns, readable for people', async () => {
    const { code, stdout, stderr } = await call(['demo', 'greet', 'name=Alice', 'times=2'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe('{\n  "greeting": "Hello Alice",\n  "times": 2\n}\n')
  })

  it('prints the result alone as JSON with --json', async () => {
    const { code, stdout, stderr } = await call(['demo', 'greet', '--params', '{"name": "Alice"}', '--json'])
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '{"greeting":"Hello Alice"}\n', stderr: '' })
  })

  it('takes params from JSON, a file, stdin and pairs at once', async () => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, 'params.json'), '{"file": 1, "name": "file"}')
    const args = [
      '--params',
      '{"json": 1}',
      '--params',
      '@params.json',
      '--params',
      '-',
      '--params',
      'pair=1',
      'name=last',
    ]
    const { stdout } = await call(['demo', 'echo', '--json', ...args], { cwd, stdin: '{"stdin": true}' })
    expect(JSON.parse(stdout)).toEqual({ json: 1, file: 1, stdin: true, pair: 1, name: 'last' })
  })

  it("takes the end user's token from the flag or from the environment", async () => {
    const flag = await call(['demo', 'token_length', '--json', '--auth-token', 'four'], {
      env: { ATP_AUTH_TOKEN: 'x' },
    })
    expect(flag.stdout).toBe('4\n')
    const env = await call(['demo', 'token_length', '--json'], { env: { ATP_AUTH_TOKEN: 'eleven long' } })
    expect(env.stdout).toBe('11\n')
    const none = await call(['demo', 'token_length', '--json'])
    expect(none.code).toBe(1)
    expect(JSON.parse(none.stdout)).toMatchObject({ code: 'missing_token' })
  })

  it('never lets text of a tool reach the terminal as control characters', async () => {
    expect((await call(['demo', 'noise'])).stdout).toBe('first\nsecond \\u001b[2J\\u009b\n')
    expect((await call(['demo', 'noise', '--json'])).stdout).toBe('"first\\r\\nsecond \\u001b[2J\\u009b"\n')
    expect((await call(['demo', 'fail'])).stderr).toBe('error: out of \\u001b[2Jluck (tool_error)\n')
  })

  it.each([
    [['demo', 'fail'], 'tool_error', 'out of'],
    [['demo', 'greet'], 'missing_params', 'Missing required parameters: name'],
    [['demo', 'greet', 'name=1'], 'invalid_params', 'name'],
    [['demo', 'unknown'], 'tool_not_found', 'has no tool "unknown"'],
    [['unknown', 'greet'], 'toolkit_not_found', 'no toolkit "unknown"'],
    [['demo', 'wait', '--timeout', '0.05'], 'deadline_exceeded', 'did not answer'],
    [['demo', 'greet', '--api-key', 'atp_llm_wrong'], 'unauthorized', 'API key'],
    [['demo', 'greet', '--api-key', 'two words'], 'invalid_config', 'spaces'],
    [['demo', 'greet', '--base-url', 'nonsense'], 'invalid_config', 'nonsense'],
  ])('fails with %j as %s', async (args, code, message) => {
    const failed = await call([...args, '--json'])
    expect(failed.code).toBe(1)
    expect(JSON.parse(failed.stdout)).toEqual({ error: expect.stringContaining(message), code })
    expect(failed.stderr).toContain(`(${code})`)
    expect(failed.stderr.trim().split('\n')).toHaveLength(1)
  })

  it('says that a key is of the wrong kind', async () => {
    const failed = await call(['demo', 'greet', 'name=A'], { env: { ATP_API_KEY: demo.keys.adminKey } })
    expect(failed).toMatchObject({ code: 1, stdout: '' })
    expect(failed.stderr).toContain('(forbidden)')
    expect(failed.stderr).not.toContain(demo.keys.adminKey)
  })

  it('tells the address and how to start a server when none answers', async () => {
    const failed = await call(['demo', 'greet', 'name=A', '--base-url', 'http://127.0.0.1:9'])
    expect(failed).toMatchObject({ code: 1, stdout: '' })
    for (const text of ['127.0.0.1:9', 'npm start', 'atp server --dev', '--base-url', '(connection_failed)']) {
      expect(failed.stderr).toContain(text)
    }
  })

  it('cancels the call on Ctrl-C, also where the tool runs, and exits with 130', async () => {
    const begun = demo.nextWait()
    const running = startAtp(['call', 'demo', 'wait', '--json'], { env: { ATP_DATA: demo.folder } })
    const { cancelled } = await begun
    running.child.kill('SIGINT')
    expect(await cancelled).toContain('cancelled by its caller')
    const { code, stdout, stderr } = await running.finished
    expect(code).toBe(130)
    expect(JSON.parse(stdout)).toMatchObject({ code: 'cancelled' })
    expect(stderr).toBe('error: Interrupted; the call was cancelled (cancelled)\n')
  })

  it('takes a second Ctrl-C, as npm passes one on, for the same one', async () => {
    const begun = demo.nextWait()
    const running = startAtp(['call', 'demo', 'wait'], { env: { ATP_DATA: demo.folder } })
    await begun
    running.child.kill('SIGINT')
    running.child.kill('SIGINT')
    // A signal that arrives while the process is ending already ends it by itself, which a shell calls 130 as well.
    expect((await running.finished).code ?? 130).toBe(130)
  })
})
