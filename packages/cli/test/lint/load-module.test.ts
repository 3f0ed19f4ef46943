import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startAtp } from '../run-atp.ts'
import { file, formats, lint, moduleFile, plain } from './lint-files.ts'

describe('a file that cannot be checked', () => {
  async function failure(path: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await lint(path, '--json', ...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    return stderr
  }

  it('is told: it is not there', async () => {
    expect(await failure('missing.ts')).toMatch(/^error: There is no file .+missing\.ts\n$/)
  })

  it('is told: it exports no toolkit', async () => {
    expect(await failure(moduleFile('shop.ts', {}, 'export const shops = [1, null, {}]'))).toContain(
      'shop.ts exports no toolkit: export a Toolkit, a ToolKitClient or a registry of them\n',
    )
  })

  it('is told with the line where it throws', async () => {
    const path = moduleFile('shop.ts', { 'no good': plain })
    expect(await failure(path)).toMatch(/: AtpError: Tool name "no good" .+, at .+shop\.ts:3:6\n$/)
    const failing = file('two words.mjs', "\nthrow new TypeError('first\\nsecond')")
    expect(await failure(failing)).toMatch(/: TypeError: first, at .+\/two words\.mjs:2:7\n$/)
    const thrown = file('thrown.mjs', 'throw "out of \u001b[2Jluck"')
    expect(await failure(thrown)).toMatch(/thrown\.mjs: it threw "out of \\u001b\[2Jluck"\n$/)
  })

  it('is told with the line where its syntax is wrong', async () => {
    expect(await failure(file('a.ts', 'const a: number = 1\nlet b = ;'))).toMatch(/: SyntaxError: .+, at .+a\.ts:2\n$/)
    expect(await failure(file('a.ts', 'enum A { B }'))).toMatch(/TypeScript enum is not supported.+, at .+a\.ts:1\n$/)
    const script = await failure(file('a.mjs', 'let a\nlet b = ;'))
    expect(script).toMatch(/a\.mjs:2\nlet b = ;\n/)
    expect(script).toMatch(/\nerror: Cannot load .+a\.mjs: SyntaxError: Unexpected token ';'\n$/)
    expect(script).not.toMatch(/\n\s+at /)
  })

  it('is told: something it imports is missing', async () => {
    expect(await failure(file('a.ts', 'import "no-such-package"'))).toContain("Cannot find package 'no-such-package'")
  })

  it('is told: it ended the process', async () => {
    expect(await failure(moduleFile('shop.ts', {}, 'process.exit(7)'))).toContain(
      'it ended the process (exit code 7)\n',
    )
  })

  it('is told: it is never loaded', async () => {
    const path = moduleFile('shop.ts', {}, 'setInterval(() => {}, 1e6); await new Promise(() => {}); export { shop }')
    expect(await failure(path, '--timeout', '2')).toMatch(/it was not loaded within 2 seconds \(--timeout\)/)
    const busy = moduleFile('shop.ts', {}, 'for (;;) {}')
    expect(await failure(busy, '--timeout', '2')).toMatch(/it was not loaded within 2 seconds \(--timeout\)/)
  })
})

describe('loading a module', () => {
  /** An address where somebody listens, and how often it was connected to. */
  async function listen(): Promise<{ port: number; connections: () => number }> {
    let count = 0
    const server = createServer((socket) => {
      count += 1
      socket.destroy()
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    return { port: (server.address() as { port: number }).port, connections: () => count }
  }

  it('does not let it connect, and hints at a client that is started', async () => {
    const { port, connections } = await listen()
    const more = `
      const options = { appName: 'client', apiKey: 'atp_toolkit_none', baseUrl: 'http://127.0.0.1:${port}' }
      export const client = new ToolKitClient(options)
      client.registerTool({ name: 'search', description: 'Searches', params: ${JSON.stringify(plain)} }, () => 1)
      void client.start()
      const { message } = (await fetch('http://127.0.0.1:${port}/').catch((error) => error)).cause
      console.log(message)`
    const { code, stdout, stderr } = await lint(moduleFile('shop.ts', {}, more))
    expect(code).toBe(0)
    expect(stdout).toMatch(/^client\n {2}hint {5}it connects while its module is loaded.+\(connects_on_load\)$/m)
    expect(stderr).toBe('atp lint loads modules without network\n')
    expect(connections()).toBe(0)
  })

  it('keeps what it prints off stdout, and does not run what is for import.meta.main', async () => {
    const more = `
      console.log('\\u001b[2Jloading')
      process.send?.('ready')
      setInterval(() => {}, 1e6)
      if (import.meta.main) throw new Error('started')
      export { shop }`
    const { code, stdout, stderr } = await lint(moduleFile('shop.ts', { search: plain }, more), '--json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '\\u001b[2Jloading\n' })
    expect(JSON.parse(stdout).summary).toEqual({
      ...{ providers: formats, tools: 1 },
      ...{ refusals: 0, losses: 0, hints: 0, changes: 0 },
    })
  })

  it('ends with Ctrl-C', async () => {
    const path = moduleFile('shop.ts', {}, "console.error('loading'); for (;;) {}")
    const { child, finished } = startAtp(['lint', path])
    await new Promise((resolve) => child.stderr.once('data', resolve))
    child.kill('SIGINT')
    expect(await finished).toMatchObject({ code: 130, stdout: '' })
  })
})
