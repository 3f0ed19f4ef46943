import { silentLogger, ToolKitClient } from '@atp/core'
import { createServer } from '@atp/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type Demo, startDemo } from '../demo-server.ts'
import { file, impossible, jsonFile, lint, lintHere, moduleFile, plain } from '../lint/lint-files.ts'
import { runAtp, temporaryFolder } from '../run-atp.ts'

describe('atp lint FILE', () => {
  it.each([
    ['shop.ts', 'export const toolkit: Toolkit = shop'],
    ['shop.mts', 'export default shop satisfies Toolkit'],
    ['shop.js', 'export default { toolkit: shop, other: 1 }'],
    ['shop.mjs', 'export { shop as a, shop as b }'],
    ['shop.ts', 'const all = createRegistry(); all.registerClient("shop", shop); export default all'],
    ['shop.cjs', 'module.exports = { shop }'],
    ['shop.cjs', 'module.exports = shop'],
  ])('says in one line that the toolkit of %s needs no change: %s', async (name, more) => {
    const { code, stdout, stderr } = await lint(moduleFile(name, { search: plain }, more))
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: '1 tool, 6 formats: nothing to change\n',
      stderr: '',
    })
  })

  it('checks every toolkit that a module exports, each once, those of a registry under their names there', async () => {
    const more = `
      export const client = new ToolKitClient({ appName: 'client', apiKey: 'atp_toolkit_none' })
      client.registerTool({ name: 'bad', description: 'Bad', params: ${JSON.stringify(impossible)} }, () => 1)
      export const registry = createRegistry()
      registry.registerClient('store', shop)
      export const again = shop`
    const { code, stdout } = await lint(moduleFile('two.ts', { search: plain, find: impossible }, more), '--json')
    expect(code).toBe(1)
    const { summary, toolkits } = JSON.parse(stdout)
    expect(summary).toMatchObject({ tools: 3, refusals: 2 })
    const named = toolkits.map(({ name, tools }: { name: string; tools: { name: string }[] }) => [
      name,
      tools.map((tool) => tool.name),
    ])
    expect(named).toEqual([
      ['store', ['search', 'find']],
      ['client', ['bad']],
    ])
  })

  it('tells what each provider refuses, loses and changes, and why, as one JSON value', async () => {
    const recursive = {
      type: 'object',
      properties: { node: { $ref: '#/$defs/node' }, 'a b': { type: 'string', description: 'Spaced' } },
      required: ['node', 'a b'],
      additionalProperties: false,
      $defs: { node: { type: 'object', properties: { child: { $ref: '#/$defs/node' } } } },
    }
    const args = [moduleFile('shop.ts', { bad: impossible, tree: recursive }), '--json']
    const { code, stdout, stderr } = await lint(...args, '--provider', 'anthropic', '--provider', 'openai')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    const report = JSON.parse(stdout)
    expect(report.summary).toEqual({
      providers: ['anthropic', 'openai'],
      tools: 2,
      refusals: 1,
      losses: 1,
      hints: 2,
      changes: 1,
    })
    const [bad, tree] = report.toolkits[0].tools
    const refused = { changes: [], refusal: { code: 'unsatisfiable', message: expect.any(String) } }
    expect(bad.providers).toEqual({ anthropic: refused, openai: refused })
    expect(Object.keys(tree)).toEqual(['name', 'hints', 'providers'])
    expect(tree.hints).toEqual([
      { code: 'no_param_description', path: '/properties/node', message: 'no description of the parameter "node"' },
    ])
    expect(tree.providers.anthropic.changes).toContainEqual({
      code: 'property_renamed',
      path: '/properties/a b',
      what: expect.stringContaining('renamed'),
      why: expect.stringContaining('anthropic takes names'),
      loses: false,
    })
    const openai = tree.providers.openai.changes.map(({ code }: { code: string }) => code)
    expect(openai).toContain('recursion_cut')
    expect(openai).not.toContain('property_renamed')
    expect(tree.providers.openai).not.toHaveProperty('refusal')
  })

  it('prints what is wrong grouped by tool, the same for several providers on one line, and exits with 1', async () => {
    const { code, stdout } = await lint(moduleFile('shop.ts', { search: plain, bad: impossible }))
    expect(code).toBe(1)
    const [title, refused, hint, ...rest] = stdout.split('\n')
    expect(title).toBe('shop/bad')
    expect(refused).toMatch(/^ {2}refused {2}all formats: left out: .+ \(unsatisfiable\)$/)
    expect(hint).toBe('  hint     no description of the parameter "a" (no_param_description)')
    expect(rest).toEqual(['', '2 tools, 6 formats: 1 tool refused, nothing lost, 1 hint', ''])
  })

  it('hints at a toolkit without tools', async () => {
    const { code, stdout } = await lint(moduleFile('shop.ts', {}))
    expect(code).toBe(0)
    expect(stdout).toContain('shop\n  hint     it has no tools, so nothing was checked (no_tools)\n')
  })
})

describe('atp lint FILE.json', () => {
  it.each([
    ['a list of tools', [{ name: 'search', description: 'Searches', input_schema: plain }]],
    ['what atp tools list prints', { tools: [{ name: 'search', description: 'Searches', input_schema: plain }] }],
    ['an answer to tools/list of MCP', { tools: [{ name: 'search', description: 'Searches', inputSchema: plain }] }],
    [
      'a manual of UTCP',
      { utcp_version: '1.0.0', tools: [{ name: 'search', description: 'Searches', inputs: plain }] },
    ],
  ])('reads %s', async (_what, value) => {
    expect(await lintHere(jsonFile(value))).toEqual({
      code: 0,
      stdout: '1 tool, 6 formats: nothing to change\n',
      stderr: '',
    })
  })

  it('tells of names that are too long or there twice, missing descriptions, and more tools than a provider takes', async () => {
    const tool = { description: 'Does it', input_schema: plain }
    const tools = [
      { name: 'crm.search', input_schema: plain },
      { ...tool, name: 'n'.repeat(65) },
      { ...tool, name: 'twice' },
      { ...tool, name: 'twice' },
      ...Array.from({ length: 126 }, (_, at) => ({ ...tool, name: `t${at}` })),
    ]
    const { code, stdout } = await lintHere(jsonFile({ name: 'crm', tools }), '--all')
    expect(code).toBe(1)
    expect(stdout).toMatch(
      /^crm\/crm\.search\n {2}hint {5}no description \(no_tool_description\)\n {2}change {3}all formats: named "crm_search_/,
    )
    expect(stdout).toMatch(
      /^crm\/n{65}\n {2}change {3}all formats: named "n{55}_[0-9a-f]{8}", because .+ \(name_shortened\)$/m,
    )
    expect(stdout).toContain(
      'crm/twice\n  refused  all formats: left out: another tool has the same name (duplicate_name)\n',
    )
    expect(stdout).toContain(
      'crm/t125\n  refused  openai, openai-chat, openai-strict, openai-chat-strict: left out: the provider takes 128 tools',
    )
    expect(stdout).not.toContain('crm/t124')
  })

  it.each([
    ['{', 'cannot be read'],
    ['1', 'holds no list of tools'],
    ['{"tools": [{"name": "a"}]}', 'tools.0: has none of input_schema (ATP), inputSchema (MCP) and inputs (UTCP)'],
    ['[{"name": 1, "input_schema": {}}]', '0.name'],
  ])('says that %s cannot be checked', async (text, message) => {
    const { code, stdout, stderr } = await lintHere(file('tools.json', text), '--json')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })
})

describe('the exit code', () => {
  it('shows changes that lose nothing with --all, and fails on what --fail-on names and all that is graver', async () => {
    const optional = { ...plain, required: [] }
    const path = jsonFile([{ name: 'search', description: 'Searches', input_schema: optional }])
    const quiet = await lintHere(path)
    expect(quiet).toMatchObject({
      code: 0,
      stdout: '1 tool, 6 formats: nothing refused, nothing lost, 1 tool changed without loss (--all)\n',
    })
    const all = await lintHere(path, '--all')
    expect(all.code).toBe(0)
    expect(all.stdout).toContain(
      '  change   openai-strict, openai-chat-strict: optional, so null stands for not given at /properties/q, because',
    )
    expect((await lintHere(path, '--fail-on', 'hints')).code).toBe(0)
    const failed = await lintHere(path, '--fail-on', 'changes')
    expect(failed).toEqual({ ...all, code: 1 })
    expect((await lintHere(path, '--fail-on', 'changes', '--provider', 'anthropic')).code).toBe(0)
  })

  it('fails on losses and hints only when asked to', async () => {
    const lossy = { ...plain, properties: { q: { ...plain.properties.q, nullable: true } } }
    const losing = jsonFile([{ name: 'search', description: 'Searches', input_schema: lossy }])
    const hinting = jsonFile([{ name: 'search', input_schema: plain }])
    const codes = (path: string) =>
      Promise.all(['refusals', 'losses', 'hints'].map(async (level) => (await lintHere(path, '--fail-on', level)).code))
    expect(await codes(losing)).toEqual([0, 1, 1])
    expect(await codes(hinting)).toEqual([0, 0, 1])
    expect((await lintHere(losing)).stdout).toMatch(/^ {2}loses {4}all formats: .+ \(keyword_dropped\)$/m)
  })
})

describe('atp lint of a server', () => {
  let demo: Demo
  let other: ToolKitClient
  beforeAll(async () => {
    demo = await startDemo()
    const { key } = await demo.server.createKey({ kind: 'toolkit', name: 'other' })
    other = new ToolKitClient({ apiKey: key, baseUrl: demo.url, appName: 'other' })
    other.registerTool({ name: 'bad', description: 'Bad', params: impossible }, () => 1)
    other.registerTool(
      { name: 'dated', description: 'Dated', params: z.strictObject({ day: z.iso.date().describe('Which day') }) },
      () => 1,
    )
    await other.start()
  })
  afterAll(async () => {
    await other.stop()
    await demo[Symbol.asyncDispose]()
  })
  const lintServer = (...args: string[]) => runAtp(['lint', ...args], { env: { ATP_DATA: demo.folder } })

  it('checks the toolkit that is named', async () => {
    const { code, stdout, stderr } = await lintServer('demo')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('demo/greet\n  hint     no description of the parameter "name" (no_param_description)\n')
    expect(stdout).toMatch(/^6 tools, 6 formats: nothing refused, .+, 2 hints/m)
  })

  it('checks every toolkit without a name, and exits with 1 for one that is refused', async () => {
    const { code, stdout } = await lintServer('--json')
    expect(code).toBe(1)
    const { toolkits, summary } = JSON.parse(stdout)
    expect(toolkits.map(({ name }: { name: string }) => name)).toEqual(['demo', 'other'])
    expect(summary).toMatchObject({ tools: 8, refusals: 1 })
  })

  it('finds in what atp tools list prints what it finds on the server', async () => {
    const listed = await runAtp(['tools', 'list', '--toolkit', 'other', '--json'], { env: { ATP_DATA: demo.folder } })
    const [a] = JSON.parse((await lintHere(file('other.json', listed.stdout), '--json')).stdout).toolkits
    const [b] = JSON.parse((await lintServer('other', '--json')).stdout).toolkits
    expect(a.tools).toEqual(b.tools)
  })

  it('exits with 2 where nothing could be checked', async () => {
    const unknown = await lintServer('unknown', '--json')
    expect(unknown.code).toBe(2)
    expect(JSON.parse(unknown.stdout)).toMatchObject({ code: 'toolkit_not_found' })
    const keyless = await runAtp(['lint', 'demo'], { cwd: temporaryFolder() })
    expect(keyless).toMatchObject({ code: 2, stdout: '' })
    expect(keyless.stderr).toMatch(/^error: No admin key: .+ \(invalid_config\)\n$/)
    const env = { ATP_API_KEY: 'atp_admin_none', ATP_BASE_URL: 'http://127.0.0.1:1' }
    expect(await runAtp(['lint'], { env })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('connection_failed'),
    })
  })

  it('exits with 2 where there are no toolkits', async () => {
    const folder = temporaryFolder()
    const server = await createServer({ dataDir: folder, port: 0, dev: true, logger: silentLogger })
    await server.listen()
    const { toolkits } = JSON.parse(
      (await runAtp(['toolkits', 'list', '--json'], { env: { ATP_DATA: folder } })).stdout,
    )
    const result = await runAtp(['lint'], { env: { ATP_DATA: folder } })
    await server.close(0)
    expect(toolkits).toEqual([])
    expect(result).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('has no toolkits to check') })
  })
})
