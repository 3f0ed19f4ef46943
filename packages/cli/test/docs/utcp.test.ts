import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer as createNetServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { silentLogger } from '@atp/core'
import { createServer } from '@atp/server'
import { parseText, TemplateReader } from '@atp/utcp'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { runCli } from '../../src/run-cli.ts'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const page = readFileSync(join(root, 'docs/utcp.md'), 'utf8')

interface Block {
  language: string
  name: string
  code: string
}

const blocks: Block[] = [...page.matchAll(/^```(\w+) ?([\w.-]*)\n([\s\S]*?)^```$/gm)].map(
  ([, language = '', name = '', code = '']) => ({ language, name, code }),
)
const samples = blocks.filter(({ language }) => language === 'ts')

/** A project as a reader has it, whose packages are those of this repository. */
let folder: string
let port: number

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'atp-docs-'))
  port = await freePort()
  const packages = {
    ...{ '@atp/core': 'packages/core', '@atp/utcp': 'packages/utcp', '@atp/utcp-http': 'packages/utcp-http' },
    ...{ '@atp/utcp-text': 'packages/utcp-text', express: 'packages/express/node_modules/express' },
    ...{ zod: 'packages/core/node_modules/zod', '@types/express': 'packages/express/node_modules/@types/express' },
    '@types/node': 'node_modules/@types/node',
  }
  for (const [name, place] of Object.entries(packages)) {
    const link = join(folder, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(root, place), link)
  }
  for (const { name, code } of blocks) {
    if (name !== '')
      writeFileSync(
        join(folder, name),
        code.replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`).replaceAll('8080,', `${port},`),
      )
  }
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}')
  const compilerOptions = {
    ...{ noEmit: true, allowImportingTsExtensions: true, composite: false, declaration: false, declarationMap: false },
    ...{ isolatedDeclarations: false, lib: ['es2024', 'esnext.disposable', 'dom', 'dom.iterable'], types: ['node'] },
  }
  const tsconfig = { extends: join(root, 'tsconfig.base.json'), compilerOptions, include: ['*.ts'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function freePort(): Promise<number> {
  const server = createNetServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: free } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return free
}

function start(name: string, env: Record<string, string> = {}): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, ['--conditions=@atp/source', name], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return { child, output: () => output }
}

/** Starts a server of the page and waits until it answers. */
async function serve(name: string): Promise<void> {
  const { child, output } = start(name)
  const answers = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`${name} ended: ${output()}`)
    return fetch(`http://127.0.0.1:${port}/utcp`).then(
      (response) => response.ok,
      () => false,
    )
  }
  await expect.poll(answers, { timeout: 30_000, interval: 50 }).toBe(true)
}

/** Runs a sample to its end; returns what it printed. */
async function run(name: string): Promise<string[]> {
  const { child, output } = start(name)
  const [code] = (await once(child, 'close')) as [number]
  expect({ code, output: code === 0 ? '' : output() }).toEqual({ code: 0, output: '' })
  return output().trimEnd().split('\n')
}

/** What a sample says it prints: `// → text`, or `// → text (three times)`. */
function promised(name: string): string[] {
  const code = samples.find((each) => each.name === name)?.code ?? ''
  return [...code.matchAll(/\/\/ → (.*?)( \(three times\))?$/gm)].flatMap(([, text = '', thrice]) =>
    Array.from({ length: thrice === undefined ? 1 : 3 }, () => text),
  )
}

const servers = ['server.ts', 'described-server.ts']
const runsForever = [...servers, 'hub.ts']
const clients = samples.map(({ name }) => name).filter((name) => !runsForever.includes(name))

describe('the samples of docs/utcp.md', { timeout: 120_000 }, () => {
  it('are all named, so that none is left out', () => {
    expect(samples.filter(({ name }) => name === '')).toEqual([])
    expect(samples.map(({ name }) => name)).toEqual(expect.arrayContaining(runsForever))
    expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(['ts', 'jsonc', 'sh']))
  })

  it('are right by their types', () => {
    const compiler = join(root, 'node_modules/.bin/tsc')
    const { stdout, status } = spawnSync(compiler, ['-p', folder], { encoding: 'utf8' })
    expect({ stdout, status }).toEqual({ stdout: '', status: 0 })
  })

  describe.each(servers)('beside %s', (server) => {
    it.each(clients)('%s prints what it says', async (name) => {
      await serve(server)
      const expected = promised(name)
      expect(expected.length).toBeGreaterThan(0)
      expect(await run(name)).toEqual(expected)
    })
  })

  it('hub.ts brings the tools of a manual to a server, where they can be called', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'atp-docs-data-'))
    const server = await createServer({ dataDir, port: 0, dev: true, logger: silentLogger })
    onTestFinished(async () => {
      await server.close()
      rmSync(dataDir, { recursive: true, force: true })
    })
    const { url } = await server.listen()
    await serve('server.ts')
    const hub = start('hub.ts', { ATP_API_KEY: server.devKeys?.toolkitKey ?? '', ATP_BASE_URL: url })
    const call = (): Promise<string> =>
      atp(['call', 'weather', 'get_weather', 'location=Rome', '--json'], { ATP_DATA: dataDir })
    await expect
      .poll(
        async () => {
          if (hub.child.exitCode !== null) throw new Error(`hub.ts ended: ${hub.output()}`)
          return call()
        },
        { timeout: 60_000, interval: 200 },
      )
      .toBe('{"temperature":22.5,"conditions":"Sunny"}\n')
  })
})

async function atp(args: string[], env: Record<string, string> = {}): Promise<string> {
  let stdout = ''
  const io = {
    stdin: (async function* () {})(),
    stderr: { write: () => {} },
    env,
    cwd: folder,
    onInterrupt: () => () => {},
  }
  await runCli(args, { ...io, stdout: { write: (text) => (stdout += text) } })
  return stdout
}

describe('the commands of docs/utcp.md', () => {
  const commands = blocks.filter(({ language }) => language === 'sh').flatMap(({ code }) => code.trim().split('\n'))

  it.each(commands)('%s', async (line) => {
    await serve('server.ts')
    const [command, ...args] = line.replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`).split(' ')
    expect(command).toBe('atp')
    const stdout = await atp(args)
    expect(stdout).toMatch(/get_weather|22\.5|weather_URL|1 tool can be used/)
  })
})

describe('the call templates of docs/utcp.md', () => {
  const templates = blocks.filter(({ language, name }) => language === 'jsonc' && name === '')

  it.each(templates.map(({ code }) => [/"call_template_type": "(\w+)"/.exec(code)?.[1] ?? '', code]))(
    'of %s is read without a warning',
    (type, code) => {
      const warnings: unknown[] = []
      const template = new TemplateReader().read(parseText(code), '', (warning) => warnings.push(warning))
      expect(template.call_template_type).toBe(type)
      expect(warnings).toEqual([])
    },
  )

  it('are those of the founding README', () => {
    const types = templates.map(({ code }) => /"call_template_type": "(\w+)"/.exec(code)?.[1])
    expect(types).toEqual(['http', 'sse', 'streamable_http', 'text', 'cli', 'mcp'])
  })
})
