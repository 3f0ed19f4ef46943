import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../src/run-cli.ts'
import { runAtp } from '../run-atp.ts'
import { files, type ManualServer, startManualServer, utcp } from '../utcp/manual-server.ts'

let server: ManualServer
let origin: string
beforeAll(async () => {
  server = await startManualServer()
  origin = server.origin
})
afterAll(() => server[Symbol.asyncDispose]())

describe('atp utcp list', () => {
  it('prints the tools of a manual at a URL, one line each', async () => {
    const { code, stdout, stderr } = await utcp(['list', `${origin}/utcp`])
    expect(code).toBe(0)
    const lines = stdout.trim().split('\n')
    expect(lines).toHaveLength(5)
    expect(lines[0]).toMatch(/^NAME +PROTOCOL +ARGUMENTS +TAGS +DESCRIPTION$/)
    expect(lines[1]).toMatch(/^127_0_0_1\.get_weather +http +location days\? +weather +Get current weather/)
    expect(stderr).toBe('')
  })

  it('prints those of a file, with all that is known of them with --json', async () => {
    const { code, stdout } = await utcp(['list', 'weather.json', '--json'], { cwd: files(origin) })
    expect(code).toBe(0)
    const { tools } = JSON.parse(stdout)
    expect(tools[0]).toMatchObject({
      ...{ name: 'weather.get_weather', inputs: { required: ['location'] } },
      tool_call_template: { call_template_type: 'http', url: `${origin}/get_weather` },
    })
  })

  it('prints those of all manuals of a configuration', async () => {
    const { stdout } = await utcp(['list', 'config.json', '--json'], { cwd: files(origin) })
    const names = JSON.parse(stdout).tools.map(({ name }: { name: string }) => name)
    expect(names).toEqual(expect.arrayContaining(['local.get_weather', 'remote.get_weather']))
  })

  it('says which manual of several failed, and shows the others', async () => {
    const cwd = files(origin)
    const template = { name: 'gone', call_template_type: 'http', url: `${origin}/nothing` }
    const good = { name: 'good', call_template_type: 'http', url: `${origin}/utcp` }
    writeFileSync(join(cwd, 'half.json'), JSON.stringify({ manual_call_templates: [template, good] }))
    const { code, stdout, stderr } = await utcp(['list', 'half.json'], { cwd })
    expect(code).toBe(0)
    expect(stdout).toContain('good.get_weather')
    expect(stderr).toContain('warning: Manual "gone" was not registered')
  })

  it('fails when there is no manual', async () => {
    const { code, stdout, stderr } = await utcp(['list', `${origin}/nothing`, '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ code: 'call_failed', error: expect.stringContaining('503') })
    expect(stderr).toMatch(/^error: Manual "127_0_0_1" was not registered: .*\n$/)
  })

  it.each([
    ['missing.json', 'invalid_config', /missing\.json cannot be read/],
    ['other.json', 'invalid_config', /neither a manual .* nor a configuration/],
    ['open.json', 'unsupported', /OpenAPI/],
    ['bad.json', 'invalid_config', /Not valid JSON.*line 1, column/],
  ])('says what is wrong with %s', async (name, errorCode, message) => {
    const cwd = files(origin)
    writeFileSync(join(cwd, 'other.json'), '{"a": 1}')
    writeFileSync(join(cwd, 'open.json'), '{"openapi": "3.1.0", "paths": {}}')
    writeFileSync(join(cwd, 'bad.json'), '{"tools": [}')
    const { code, stdout } = await utcp(['list', name, '--json'], { cwd })
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toEqual({ code: errorCode, error: expect.stringMatching(message) })
  })

  it('takes no tools that read files from a manual at a URL', async () => {
    const { stdout, stderr } = await utcp(['list', `${origin}/evil`, '--json'], { cwd: process.cwd() })
    expect(JSON.parse(stdout)).toEqual({ tools: [] })
    expect(
      stderr.match(/left out: "(file|text)" is not in the manual's allowed_communication_protocols/g),
    ).toHaveLength(2)
  })

  it('refuses http to other machines', async () => {
    const { code, stdout } = await utcp(['list', 'http://api.example.com/utcp', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout).error).toContain('only encrypted connections are allowed')
  })
})

describe('atp utcp search', () => {
  it('prints the best first, as many as asked for', async () => {
    const { code, stdout } = await utcp(['search', `${origin}/utcp`, 'current', 'weather', '--limit', '1', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout).tools.map(({ name }: { name: string }) => name)).toEqual(['127_0_0_1.get_weather'])
  })

  it('keeps to tags', async () => {
    const { stdout, stderr } = await utcp(['search', `${origin}/utcp`, 'weather', '--tag', 'none'])
    expect([stdout, stderr]).toEqual(['', 'No tool fits.\n'])
  })
})

describe('atp utcp call', () => {
  it('prints what the tool returns', async () => {
    const { code, stdout, stderr } = await utcp(['call', `${origin}/utcp`, 'get_weather', 'location=Rome'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe('{\n  "location": "Rome",\n  "temperature": 22.5\n}\n')
  })

  it('takes full names, names, parameters from anywhere, and prints JSON', async () => {
    const cwd = files(origin)
    const args = ['call', 'weather.json', 'weather.get_weather', '--params', '-', '--json']
    const { stdout } = await utcp(args, { cwd, stdin: '{"location": "Oslo"}' })
    expect(stdout).toBe('{"location":"Oslo","temperature":22.5}\n')
  })

  it('fills in variables from --var by their short or full name, taking values as they are', async () => {
    const cwd = files(origin)
    for (const name of ['TOKEN', 'weather_TOKEN']) {
      const { stdout } = await utcp(['call', 'weather.json', 'secret', '--var', `${name}=a$b=c$$`, '--json'], { cwd })
      expect(stdout).toBe('{"authorization":"Bearer a$b=c$$"}\n')
    }
  })

  it('fills in variables from the environment, by their full name', async () => {
    const cwd = files(origin)
    const { stdout } = await utcp(['call', 'weather.json', 'secret', '--json'], { cwd, env: { weather_TOKEN: 'env' } })
    expect(stdout).toBe('{"authorization":"Bearer env"}\n')
    const bare = await utcp(['call', 'weather.json', 'secret', '--json'], { cwd, env: { TOKEN: 'env' } })
    expect(bare.code).toBe(1)
    expect(JSON.parse(bare.stdout)).toMatchObject({
      code: 'variable_not_found',
      error: expect.stringContaining('weather_TOKEN'),
    })
  })

  it('takes variables and manuals of a configuration beside the manual', async () => {
    const cwd = files(origin)
    const args = ['call', `${origin}/utcp`, 'secret', '--name', 'remote', '--config', 'more.json', '--json']
    writeFileSync(join(cwd, 'more.json'), '{"variables": {"remote_TOKEN": "from-config"}}')
    expect((await utcp(args, { cwd })).stdout).toBe('{"authorization":"Bearer from-config"}\n')
    const configured = await utcp(['call', 'config.json', 'remote.secret', '--json'], { cwd })
    expect(configured.stdout).toBe('{"authorization":"Bearer from-dotenv"}\n')
  })

  it('prints pieces as they come with --stream, with --json as lines of JSON', async () => {
    const { stdout } = await utcp(['call', `${origin}/utcp`, 'ticks', '--stream', '--json'])
    expect(stdout).toBe('{"n":1}\n{"n":2}\n')
    const whole = await utcp(['call', `${origin}/utcp`, 'ticks', '--json'])
    expect(whole.stdout).toBe('[{"n":1},{"n":2}]\n')
  })

  it('reads files beside a manual in a file, and no others', async () => {
    const cwd = files(origin)
    expect((await utcp(['call', 'texts.yaml', 'answer'], { cwd })).stdout).toBe('42 \n\n')
    const { code, stdout } = await utcp(['call', 'escape.yaml', 'up', '--json'], { cwd })
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ code: 'invalid_call_template' })
  })

  it.each([
    [['get_weather'], 'invalid_arguments', /location/],
    [['nothing'], 'tool_not_found', /127_0_0_1\.nothing/],
    [['broken'], 'http_error', /it is raining/],
  ])('fails for %j with a code and a reason', async (args, errorCode, message) => {
    const { code, stdout, stderr } = await utcp(['call', `${origin}/utcp`, ...args, '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toEqual({ code: errorCode, error: expect.stringMatching(message) })
    expect(stderr).toMatch(new RegExp(`^error: .*\\(${errorCode}\\)\\n$`))
  })

  it.each([
    [['call', 'm.json', 't', 'novalue'], /write key=value/],
    [['call', 'm.json', 't', '--var', 'novalue'], /NAME=VALUE/],
    [['call', 'm.json', 't', '--var', 'a-b=1'], /NAME=VALUE/],
    [['call', 'm.json', 't', '--timeout', '0'], /Give seconds/],
    [['search', 'm.json', 'q', '--limit', '-1'], /whole number/],
    [['call', 'm.json'], /missing required argument 'tool'/],
    [['nothing'], /unknown command/],
  ])('tells wrong usage: %j', async (args, message) => {
    const { code, stdout, stderr } = await utcp(args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(message)
  })
})

describe('Ctrl-C', () => {
  it.each([
    ['call', ['slow']],
    ['list', []],
  ])('ends %s with exit code 130, and what it waits for', async (command, args) => {
    const waiting = Promise.withResolvers<{ closed: Promise<unknown> }>()
    const hung = createServer((request, response) => {
      if (command === 'call' && request.url === '/utcp') {
        const template = { call_template_type: 'http', url: `http://127.0.0.1:${port}/slow` }
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ utcp_version: '1.0.1', tools: [{ name: 'slow', tool_call_template: template }] }))
      } else waiting.resolve({ closed: once(request.socket, 'close') })
    })
    await once(hung.listen(0, '127.0.0.1'), 'listening')
    const { port } = hung.address() as AddressInfo
    let interrupt = (): void => {}
    const written = { stdout: '', stderr: '' }
    const ended = runCli(['utcp', command, `http://127.0.0.1:${port}/utcp`, ...args, '--json'], {
      stdin: (async function* () {})(),
      stdout: { write: (text) => (written.stdout += text) },
      stderr: { write: (text) => (written.stderr += text) },
      ...{ env: {}, cwd: '/' },
      onInterrupt: (listener) => {
        interrupt = listener
        return () => {}
      },
    })
    const { closed } = await waiting.promise
    interrupt()
    expect(await ended).toBe(130)
    expect(JSON.parse(written.stdout)).toMatchObject({ code: 'cancelled' })
    if (command === 'call') await closed
    hung.closeAllConnections()
    hung.close()
  })
})

describe('the built command', () => {
  it('calls a tool and ends by itself', async () => {
    const { code, stdout, stderr } = await runAtp([
      'utcp',
      'call',
      `${origin}/utcp`,
      'get_weather',
      'location=Rome',
      '--json',
    ])
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: '{"location":"Rome","temperature":22.5}\n',
      stderr: '',
    })
  })
})
