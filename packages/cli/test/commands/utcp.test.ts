import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../src/run-cli.ts'
import { runAtp, temporaryFolder } from '../run-atp.ts'

let server: Server
let origin: string
/** Paths with their queries and authorization, as they came. */
const asked: { path: string; authorization: string | undefined }[] = []

function manual(base: string): Record<string, unknown> {
  const tool = (name: string, description: string, template: Record<string, unknown>, more = {}) => ({
    ...{ name, description, tags: ['weather'], tool_call_template: { url: `${base}/${name}`, ...template } },
    ...more,
  })
  const http = { call_template_type: 'http' }
  const auth = { auth_type: 'api_key', api_key: 'Bearer $TOKEN', var_name: 'Authorization', location: 'header' }
  const inputs = { type: 'object', properties: { location: { type: 'string' }, days: {} }, required: ['location'] }
  return {
    utcp_version: '1.0.1',
    manual_version: '1.0.0',
    tools: [
      tool('get_weather', 'Get current weather for a location', http, { inputs }),
      tool('secret', 'Needs a token', { ...http, auth }, { tags: [] }),
      tool('ticks', 'Counts', { call_template_type: 'sse' }),
      tool('broken', 'Fails', http),
    ],
  }
}

beforeAll(async () => {
  server = createServer((request, response) => {
    const { authorization } = request.headers
    asked.push({ path: request.url ?? '', authorization })
    const url = new URL(request.url ?? '', origin)
    const json = (body: unknown, status = 200) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    if (url.pathname === '/utcp') json(manual(origin))
    else if (url.pathname === '/get_weather') json({ location: url.searchParams.get('location'), temperature: 22.5 })
    else if (url.pathname === '/secret') json({ authorization: authorization ?? null })
    else if (url.pathname === '/ticks') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {"n":1}\n\ndata: {"n":2}\n\n')
    } else json({ error: 'it is raining' }, 503)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => void server.close())

interface Ran {
  code: number
  stdout: string
  stderr: string
}

async function utcp(args: string[], { env = {}, cwd = '/', stdin = '' } = {}): Promise<Ran> {
  const written = { stdout: '', stderr: '' }
  const code = await runCli(['utcp', ...args], {
    stdin: (async function* () {
      yield stdin
    })(),
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    ...{ env, cwd, onInterrupt: () => () => {} },
  })
  return { code, ...written }
}

/** A folder with a manual, a configuration and what belongs to them. */
function files(): string {
  const folder = temporaryFolder()
  const write = (name: string, value: unknown) =>
    writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value))
  write('weather.json', manual(origin))
  mkdirSync(join(folder, 'sub'))
  write('sub/answer.txt', '42 \n')
  write(
    'texts.yaml',
    'tools:\n  - name: answer\n    tool_call_template: {call_template_type: file, file_path: sub/answer.txt}',
  )
  write('escape.yaml', 'tools:\n  - name: up\n    tool_call_template: {call_template_type: file, file_path: ../x}')
  write(
    'config.json',
    `{
  // two manuals
  "variables": { "local_PLACE": "weather.json" },
  "load_variables_from": [{ "variable_loader_type": "dotenv", "env_file_path": ".env" }],
  "manual_call_templates": [
    { "name": "local", "call_template_type": "text", "file_path": "\${PLACE}", "allowed_communication_protocols": ["http", "sse"] },
    { "name": "remote", "call_template_type": "http", "url": "${origin}/utcp" },
  ],
}`,
  )
  write('.env', 'remote_TOKEN=from-dotenv\n')
  return folder
}

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
    const { code, stdout } = await utcp(['list', 'weather.json', '--json'], { cwd: files() })
    expect(code).toBe(0)
    const { tools } = JSON.parse(stdout)
    expect(tools[0]).toMatchObject({
      ...{ name: 'weather.get_weather', inputs: { required: ['location'] } },
      tool_call_template: { call_template_type: 'http', url: `${origin}/get_weather` },
    })
  })

  it('prints those of all manuals of a configuration', async () => {
    const { stdout } = await utcp(['list', 'config.json', '--json'], { cwd: files() })
    const names = JSON.parse(stdout).tools.map(({ name }: { name: string }) => name)
    expect(names).toEqual(expect.arrayContaining(['local.get_weather', 'remote.get_weather']))
  })

  it('says which manual of several failed, and shows the others', async () => {
    const cwd = files()
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
    const cwd = files()
    writeFileSync(join(cwd, 'other.json'), '{"a": 1}')
    writeFileSync(join(cwd, 'open.json'), '{"openapi": "3.1.0", "paths": {}}')
    writeFileSync(join(cwd, 'bad.json'), '{"tools": [}')
    const { code, stdout } = await utcp(['list', name, '--json'], { cwd })
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toEqual({ code: errorCode, error: expect.stringMatching(message) })
  })

  it('refuses http to other machines', async () => {
    const { code, stdout } = await utcp(['list', 'http://api.example.com/utcp', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout).error).toBe('')
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
    const cwd = files()
    const args = ['call', 'weather.json', 'weather.get_weather', '--params', '-', '--json']
    const { stdout } = await utcp(args, { cwd, stdin: '{"location": "Oslo"}' })
    expect(stdout).toBe('{"location":"Oslo","temperature":22.5}\n')
  })

  it('fills in variables from --var by their short or full name, taking values as they are', async () => {
    const cwd = files()
    for (const name of ['TOKEN', 'weather_TOKEN']) {
      const { stdout } = await utcp(['call', 'weather.json', 'secret', '--var', `${name}=a$b=c$$`, '--json'], { cwd })
      expect(stdout).toBe('{"authorization":"Bearer a$b=c$$"}\n')
    }
  })

  it('fills in variables from the environment, by their full name', async () => {
    const cwd = files()
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
    const cwd = files()
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
    const cwd = files()
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

describe('atp utcp vars', () => {
  it('lists what manuals and their tools need, and where it is found', async () => {
    const cwd = files()
    const { code, stdout } = await utcp(['vars', 'config.json', '--json'], { cwd, env: { remote_TOKEN: 'x' } })
    expect(code).toBe(0)
    expect(JSON.parse(stdout).variables).toEqual([
      { name: 'local_PLACE', found_in: 'variables' },
      { name: 'local_TOKEN', found_in: null },
      { name: 'remote_TOKEN', found_in: 'environment' },
    ])
    const shown = await utcp(['vars', 'weather.json'], { cwd })
    expect(shown.stdout).toMatch(/^VARIABLE +FOUND IN\nweather_TOKEN +nowhere yet\n$/)
  })

  it('says when there are none', async () => {
    const { stdout, stderr } = await utcp(['vars', 'texts.yaml'], { cwd: files() })
    expect([stdout, stderr]).toEqual(['', 'No variables are needed.\n'])
  })
})

describe('atp utcp check', () => {
  it('finds nothing wrong with a good manual, in a file or at a URL', async () => {
    const cwd = files()
    expect(await utcp(['check', 'weather.json'], { cwd })).toEqual({
      code: 0,
      stdout: '4 tools can be used.\n',
      stderr: '',
    })
    expect((await utcp(['check', `${origin}/utcp`])).code).toBe(0)
    expect((await utcp(['check', 'config.json'], { cwd })).code).toBe(0)
  })

  it('knows the tools of all protocols in a file', async () => {
    const cwd = files()
    const template = { call_template_type: 'websocket', url: 'wss://a.example' }
    writeFileSync(join(cwd, 'ws.json'), JSON.stringify([{ name: 't', tool_call_template: template }]))
    expect((await utcp(['check', 'ws.json'], { cwd })).code).toBe(0)
  })

  it('names the member that is wrong, and fails', async () => {
    const cwd = files()
    const tools = [{ name: 'a', tool_call_template: { call_template_type: 'http' } }, { tool_call_template: {} }]
    writeFileSync(join(cwd, 'bad.json'), JSON.stringify({ utcp_version: '1.0.1', tools }))
    const { code, stdout, stderr } = await utcp(['check', 'bad.json'], { cwd })
    expect(code).toBe(1)
    expect(stdout).toMatch(/error +tools\[0\]\.tool_call_template\.url +a +left out/)
    expect(stderr).toBe('error: 2 things cannot be used (invalid_manual)\n')
    const json = await utcp(['check', 'bad.json', '--json'], { cwd })
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout)).toMatchObject({
      ...{ ok: false, tools: 0 },
      findings: [{ severity: 'error', path: 'tools[0].tool_call_template.url', tool: 'a' }, { severity: 'error' }],
    })
  })

  it('warns of UTCP 0.x and passes', async () => {
    const cwd = files()
    const tool = { name: 'old', tool_provider: { provider_type: 'http', url: 'https://a.example' } }
    writeFileSync(join(cwd, 'old.json'), JSON.stringify({ version: '0.1.0', tools: [tool] }))
    const { code, stdout } = await utcp(['check', 'old.json', '--json'], { cwd })
    expect(code).toBe(0)
    expect(JSON.parse(stdout).findings.every(({ severity }: { severity: string }) => severity === 'warning')).toBe(true)
    expect(JSON.parse(stdout).findings).not.toEqual([])
  })

  it('fails for what is no manual at all', async () => {
    const { code, stdout } = await utcp(['check', `${origin}/nothing`, '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, findings: [{ severity: 'error', manual: '127_0_0_1' }] })
  })
})

describe('atp utcp migrate', () => {
  const provider = { name: 'old', provider_type: 'http_stream', url: 'https://a.example', http_method: 'GET' }

  it('writes a list of providers as call templates, and says what it changed', async () => {
    const cwd = files()
    writeFileSync(join(cwd, 'providers.json'), JSON.stringify([provider]))
    const { code, stdout, stderr } = await utcp(['migrate', 'providers.json'], { cwd })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual([
      { name: 'old', call_template_type: 'streamable_http', url: provider.url, http_method: 'GET' },
    ])
    expect(stderr).toContain('is a provider of UTCP 0.x')
    const json = await utcp(['migrate', 'providers.json', '--json'], { cwd })
    expect(JSON.parse(json.stdout)).toMatchObject({ kind: 'call_templates', warnings: [{ path: '[0]' }] })
  })

  it('writes into a new file only', async () => {
    const cwd = files()
    writeFileSync(join(cwd, 'old.json'), JSON.stringify({ version: '0.1.0', tools: [] }))
    const args = ['migrate', 'old.json', '--output', 'new.json']
    expect(await utcp(args, { cwd })).toMatchObject({ code: 0, stdout: 'Wrote new.json\n' })
    expect(JSON.parse(readFileSync(join(cwd, 'new.json'), 'utf8'))).toMatchObject({
      manual_version: '0.1.0',
      tools: [],
    })
    const again = await utcp(['migrate', 'old.json', '--output', 'old.json'], { cwd })
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('Nothing was written')])
    expect(readFileSync(join(cwd, 'old.json'), 'utf8')).toContain('0.1.0')
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
