import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LLMClient } from '@atp/core'
import { describe, expect, it } from 'vitest'
import { keys, openTerminal } from '../chat/terminal.ts'
import { startDemo } from '../demo-server.ts'
import { runAtp, startAtp, temporaryFolder } from '../run-atp.ts'
import { runHere } from '../run-here.ts'
import { kitModule } from './dev-session.ts'

/** A folder with a file of tools. */
function toolsFolder(tools: Record<string, string> = { greet: "() => 'hello'" }): string {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'tools.ts'), kitModule(tools))
  return cwd
}

/** Calls a tool of the server that a command started in a folder. */
async function callKit(cwd: string, tool: string): Promise<unknown> {
  const { baseUrl, llmKey } = JSON.parse(readFileSync(join(cwd, '.atp', 'dev-keys.json'), 'utf8'))
  const llm = new LLMClient({ apiKey: llmKey, baseUrl })
  try {
    return await llm.call({ toolkitId: 'kit', tool, params: {} })
  } finally {
    await llm.close()
  }
}

/** Runs the command with `--json`, and gives its events one by one. */
function startDev(args: readonly string[], options: { cwd: string; env?: Record<string, string> }) {
  const running = startAtp(['dev', '--json', ...args], options)
  let text = ''
  let wake = Promise.withResolvers<void>()
  running.child.stdout.on('data', (more: string) => {
    text += more
    wake.resolve()
  })
  let taken = 0
  return {
    ...running,
    /** The next event of that type, skipping others. */
    async next(type: string): Promise<Record<string, unknown>> {
      for (;;) {
        const lines = text.split('\n').slice(0, -1)
        while (taken < lines.length) {
          const event = JSON.parse(lines[taken] ?? '')
          taken += 1
          if (event.type === type) return event
        }
        wake = Promise.withResolvers()
        await wake.promise
      }
    },
  }
}

// Each of them starts several processes, which takes its time on a busy machine.
describe('atp dev', { timeout: 60_000 }, () => {
  it('starts a server where there is none, serves the tools, shows calls and ends in order', async () => {
    const cwd = toolsFolder({
      greet: "({ name }) => { console.log('\\u001b[31mhi'); return { text: 'hello ' + name } }",
    })
    const dev = startDev(['tools.ts', '--port', '0'], { cwd })
    const { url } = await dev.next('server')
    expect(await dev.next('ready')).toMatchObject({ toolkits: [{ toolkit: 'kit', tools: ['greet'] }] })
    // Another command in the same folder finds it, and asks it for the tool.
    const called = await runAtp(['call', 'kit', 'greet', 'name=Ada', 'password=secret', '--json'], { cwd })
    expect(called).toMatchObject({ code: 0, stdout: '{"text":"hello Ada"}\n' })
    expect(await dev.next('call_started')).toMatchObject({ arguments: { name: 'Ada', password: '[redacted]' } })
    expect(await dev.next('call_ended')).toMatchObject({ ok: true, result: { text: 'hello Ada' } })
    writeFileSync(join(cwd, 'tools.ts'), kitModule({ greet: "() => 'bye'" }))
    await dev.next('reloaded')
    expect(await callKit(cwd, 'greet')).toBe('bye')
    dev.child.kill('SIGINT')
    expect(await dev.finished).toMatchObject({ code: 0, stderr: 'hi\n' })
    await expect(fetch(`${url}/readyz`)).rejects.toThrow()
  })

  it('ends in order on SIGTERM, with its server and the process of the tools', async () => {
    const cwd = toolsFolder({ pid: '() => process.pid' })
    const dev = startDev(['tools.ts', '--port', '0'], { cwd })
    const { url } = await dev.next('server')
    await dev.next('ready')
    const pid = (await callKit(cwd, 'pid')) as number
    dev.child.kill('SIGTERM')
    expect(await dev.finished).toMatchObject({ code: 0, stderr: '' })
    await expect(fetch(`${url}/readyz`)).rejects.toThrow()
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })

  it('ends in order when nobody reads its events any more', async () => {
    const cwd = toolsFolder({ pid: '() => process.pid' })
    const dev = startDev(['tools.ts', '--port', '0'], { cwd })
    await dev.next('ready')
    const pid = (await callKit(cwd, 'pid')) as number
    await dev.next('call_ended')
    dev.child.stdout.destroy()
    // Only writing tells that there is no reader.
    await callKit(cwd, 'pid').catch(() => {})
    expect(await dev.finished).toMatchObject({ code: 0, stderr: '' })
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })

  it('takes the server that is there, and the same key each time', async () => {
    await using demo = await startDemo()
    const cwd = toolsFolder()
    const made: string[] = []
    for (let time = 0; time < 2; time += 1) {
      const dev = startDev(['tools.ts', '--no-server', '--data', demo.folder], { cwd })
      expect(await dev.next('server')).toMatchObject({ url: demo.url, started: false })
      await dev.next('ready')
      const path = join(demo.folder, 'dev-toolkit-keys.json')
      expect(statSync(path).mode & 0o777).toBe(0o600)
      made.push(readFileSync(path, 'utf8'))
      dev.child.kill('SIGINT')
      expect(await dev.finished).toMatchObject({ code: 0, stderr: '' })
    }
    expect(made[0]).toBe(made[1])
    // A key that is none any more is replaced.
    writeFileSync(join(demo.folder, 'dev-toolkit-keys.json'), '{"kit": "atp_toolkit_old"}')
    const dev = startDev(['tools.ts', '--data', demo.folder], { cwd })
    await dev.next('ready')
    dev.child.kill('SIGINT')
    await dev.finished
  })

  it('takes the key of a toolkit, for a server anywhere', async () => {
    await using demo = await startDemo()
    const { key } = await demo.server.createKey({ kind: 'toolkit', name: 'kit' })
    const cwd = toolsFolder()
    const dev = startDev(['tools.ts', '--base-url', demo.url], { cwd, env: { ATP_API_KEY: key } })
    await dev.next('ready')
    dev.child.kill('SIGINT')
    await dev.finished
    expect(existsSync(join(cwd, '.atp'))).toBe(false)
    const refused = await runAtp(['dev', 'tools.ts', '--json', '--base-url', demo.url, '--api-key', `${key}x`], { cwd })
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/^error: .+ \(unauthorized\)\n$/) })
  })

  it('ends when no call came for a while, if told so', async () => {
    const cwd = toolsFolder()
    const { code, stderr } = await runAtp(['dev', 'tools.ts', '--port', '0', '--idle-timeout', '1'], { cwd })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it('gives tools the variables of a file', async () => {
    const cwd = toolsFolder({ word: '() => process.env.WORD' })
    writeFileSync(join(cwd, '.env'), 'WORD=first\nATP_BASE_URL=http://127.0.0.1:1')
    const dev = startDev(['tools.ts', '--port', '0', '--env-file', '.env'], { cwd })
    await dev.next('ready')
    expect(await callKit(cwd, 'word')).toBe('first')
    dev.child.kill('SIGINT')
    await dev.finished
  })

  it('refuses what it cannot run', async () => {
    const cwd = toolsFolder()
    writeFileSync(join(cwd, 'page.tsx'), '')
    const failure = async (args: string[], env = {}) => {
      const { code, stdout, stderr } = await runAtp(['dev', ...args], { cwd, env })
      return { code, stdout, stderr }
    }
    expect(await failure(['missing.ts'])).toMatchObject({ code: 2, stderr: expect.stringMatching(/There is no file/) })
    expect(await failure(['page.tsx'])).toMatchObject({ code: 2, stderr: expect.stringMatching(/JSX/) })
    expect(await failure(['tools.ts'], { ATP_API_KEY: 'atp_llm_x' })).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/not that of a toolkit/),
    })
    expect(await failure(['tools.ts', '--no-server'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/No admin key/),
    })
    expect((await runHere('dev')).code).toBe(2)
  })

  it('has help with examples', async () => {
    const { code, stdout } = await runHere('dev', '--help')
    expect(code).toBe(0)
    expect(stdout).toContain('--no-server')
    expect(stdout).toContain('$ atp dev src/tools.ts')
    expect(stdout).toContain('Ctrl-C once more ends at once')
  })
})

describe('atp dev at a terminal', { timeout: 60_000 }, () => {
  it('shows calls in lines that fit, and obeys keys', async () => {
    const cwd = toolsFolder({ long: "() => 'x'.repeat(500)" })
    const file = join(cwd, 'tools.ts')
    const env = { ATP_DATA: join(cwd, '.atp'), INIT_CWD: cwd }
    const terminal = openTerminal(['dev', 'tools.ts', '--port', '0'], env)
    await terminal.sees('Press r to reload, q to quit.')
    expect(await callKit(cwd, 'long')).toHaveLength(500)
    await terminal.sees(/✓ #1 kit\/long {2}[\d.]+ ms {2}"x+…\n/)
    for (const line of terminal
      .screen()
      .split('\n')
      .filter((text) => text.includes('#1'))) {
      expect([...line].length).toBeLessThanOrEqual(80)
    }
    terminal.type('r')
    await terminal.sees(/↻ Reloaded in .+\n.+= 1 unchanged/)
    writeFileSync(file, 'let x = ')
    await terminal.sees(/✗ Cannot load .+tools\.ts:1; the tools stay as they were/)
    terminal.type('q')
    expect(await terminal.exitCode).toBe(0)
  })

  it('ends at once when Ctrl-C comes twice', async () => {
    const cwd = toolsFolder({ hang: '() => new Promise(() => {})' })
    const terminal = openTerminal(['dev', 'tools.ts', '--port', '0'], { INIT_CWD: cwd })
    await terminal.sees('Press r to reload')
    const call = callKit(cwd, 'hang').catch((error: unknown) => error)
    await terminal.sees('→ #1 kit/hang')
    terminal.type(keys.ctrlC)
    terminal.type(keys.ctrlC)
    expect(await terminal.exitCode).toBe(130)
    expect(await call).toBeInstanceOf(Error)
  })
})
