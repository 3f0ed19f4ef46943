import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { files, type ManualServer, startManualServer, utcp } from '../utcp/manual-server.ts'

let server: ManualServer
let origin: string
beforeAll(async () => {
  server = await startManualServer()
  origin = server.origin
})
afterAll(() => server[Symbol.asyncDispose]())

describe('atp utcp vars', () => {
  it('lists what manuals and their tools need, and where it is found', async () => {
    const cwd = files(origin)
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
    const { stdout, stderr } = await utcp(['vars', 'texts.yaml'], { cwd: files(origin) })
    expect([stdout, stderr]).toEqual(['', 'No variables are needed.\n'])
  })
})

describe('atp utcp check', () => {
  it('finds nothing wrong with a good manual, in a file or at a URL', async () => {
    const cwd = files(origin)
    expect(await utcp(['check', 'weather.json'], { cwd })).toEqual({
      code: 0,
      stdout: '4 tools can be used.\n',
      stderr: '',
    })
    expect((await utcp(['check', `${origin}/utcp`])).code).toBe(0)
    expect((await utcp(['check', 'config.json'], { cwd })).code).toBe(0)
  })

  it('knows the tools of all protocols in a file', async () => {
    const cwd = files(origin)
    const template = { call_template_type: 'websocket', url: 'wss://a.example' }
    writeFileSync(join(cwd, 'ws.json'), JSON.stringify([{ name: 't', tool_call_template: template }]))
    expect((await utcp(['check', 'ws.json'], { cwd })).code).toBe(0)
  })

  it('names the member that is wrong, and fails', async () => {
    const cwd = files(origin)
    const tools = [{ name: 'a', tool_call_template: { call_template_type: 'http' } }, { tool_call_template: {} }]
    writeFileSync(join(cwd, 'bad.json'), JSON.stringify({ utcp_version: '1.0.1', tools }))
    const { code, stdout, stderr } = await utcp(['check', 'bad.json'], { cwd })
    expect(code).toBe(1)
    expect(stdout).toMatch(/error +tools\[0\]\.tool_call_template\.url +a +left out/)
    expect(stderr).toBe('error: 2 things cannot be used\n')
    const json = await utcp(['check', 'bad.json', '--json'], { cwd })
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout)).toMatchObject({
      ...{ ok: false, tools: 0 },
      findings: [{ severity: 'error', path: 'tools[0].tool_call_template.url', tool: 'a' }, { severity: 'error' }],
    })
  })

  it('warns of UTCP 0.x and passes', async () => {
    const cwd = files(origin)
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
    const cwd = files(origin)
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
    const cwd = files(origin)
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
