// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of UTCP are written like this
import { type CallTemplate, type RegisterManualResult, UtcpClient, type UtcpClientOptions } from '@atp/utcp'
import { describe, expect, it } from 'vitest'
import { file, text } from '../src/index.ts'
import { manualOf, testFolder } from './support/folder.ts'

async function register(
  template: Omit<CallTemplate, 'name'>,
  options: UtcpClientOptions = {},
): Promise<{ result: RegisterManualResult; client: UtcpClient }> {
  const client = await UtcpClient.create({}, { protocols: [text(), file()], ...options })
  const result = await client.registerManual({ ...template, name: 'm' } as CallTemplate)
  return { result, client }
}

const named = ({ manual }: RegisterManualResult): string[] => manual.tools.map(({ name }) => name)

describe('a manual in the text of its template', () => {
  const inText = (content: string) => register({ call_template_type: 'text', content })

  it('is read from JSON, with comments', async () => {
    const { result } = await inText(`// mine\n${JSON.stringify(manualOf())}`)
    expect(named(result)).toEqual(['m.greeting'])
  })

  it('is read from YAML', async () => {
    const { result } = await inText(`
utcp_version: 1.0.1
tools:
  - name: greeting
    tool_call_template: { call_template_type: text, content: hello }`)
    expect(named(result)).toEqual(['m.greeting'])
  })

  it('is read from YAML that begins like JSON', async () => {
    const { result } = await inText(
      '{tools: [{name: greeting, tool_call_template: {call_template_type: text, content: x}}]}',
    )
    expect(named(result)).toEqual(['m.greeting'])
  })

  it('may be a list of tools', async () => {
    const { result } = await inText(JSON.stringify(manualOf().tools))
    expect(named(result)).toEqual(['m.greeting'])
    expect(result.manual.utcp_version).toBe('1.0.1')
  })

  it('may be one of UTCP 0.x, with a warning', async () => {
    const tool = { name: 'old', tool_provider: { provider_type: 'text', file_path: 'x.txt' } }
    const { result } = await inText(JSON.stringify({ version: '0.2.0', tools: [tool] }))
    expect(named(result)).toEqual(['m.old'])
    expect(result.warnings.map(({ path }) => path)).toContain('tools[0]')
  })

  it('keeps the dollars in what its tools return', async () => {
    const { result, client } = await inText(JSON.stringify(manualOf('price', 'costs $5, see $defs')))
    expect(result.errors).toEqual([])
    expect(await client.callTool('m.price')).toBe('costs $5, see $defs')
  })

  it.each([
    ['{"tools": [}', /Not valid JSON: .* line 1, column \d+/],
    ['a: [', /Not valid YAML/],
    ['just words', /a manual must be an object/],
    ['', /a manual must be an object/],
    ['{"error": "not found"}', /tools: is missing/],
    ['[{"provider_type": "http", "url": "https://a.example"}]', /belongs into "manual_call_templates"/],
  ])('fails to be registered when it is %j', async (content, reason) => {
    const { result } = await inText(content)
    expect(result.success).toBe(false)
    expect(result.errors.join()).toMatch(reason)
  })
})

describe('an OpenAPI document', () => {
  const document = { openapi: '3.1.0', info: { title: 'Shop' }, paths: {} }
  const template = { call_template_type: 'text', content: JSON.stringify(document), base_url: 'https://a.example' }

  it.each([document, { swagger: '2.0', paths: {} }, { paths: {} }])('is refused as such: %j', async (each) => {
    const { result } = await register({ call_template_type: 'text', content: JSON.stringify(each) })
    expect(result.success).toBe(false)
    expect(result.errors.join()).toMatch(/OpenAPI document, not a manual/)
  })

  it('has a code of its own', async () => {
    const context = { signal: AbortSignal.timeout(10_000), timeoutMs: 10_000, maxResponseBytes: 1_000 }
    const discovery = { ...context, declaredTemplate: template, validators: undefined }
    const caller = { rootDir: undefined, logger: { debug() {}, info() {}, warn() {}, error() {} } }
    const asked = text()().registerManual(caller, template, discovery)
    await expect(asked).rejects.toMatchObject({ code: 'unsupported', retryable: false })
  })

  it('becomes what the converter makes of it, with the template whose variables are not filled in', async () => {
    const seen: unknown[] = []
    const openApi = (...given: unknown[]) => {
      seen.push(...given)
      return manualOf('converted')
    }
    const authTools = { auth_type: 'api_key', api_key: '${TOKEN}' }
    const { result } = await register({ ...template, auth_tools: authTools }, { protocols: [text({ openApi })] })
    expect(named(result)).toEqual(['m.converted'])
    expect(seen).toEqual([
      document,
      { template: { ...template, name: 'm', auth_tools: authTools }, signal: expect.any(AbortSignal) },
    ])
  })

  it('is told from a manual that has its members too', async () => {
    const content = JSON.stringify({ ...manualOf(), openapi: 'no', info: {} })
    expect(named((await register({ call_template_type: 'text', content })).result)).toEqual(['m.greeting'])
  })
})

describe('a manual in a file', () => {
  it.each(['text', 'file'])('is found by %s, relative to the root', async (type) => {
    await using folder = await testFolder()
    await folder.write('manuals/my_manual.json', JSON.stringify(manualOf()))
    const { result, client } = await register(
      {
        call_template_type: type,
        file_path: './manuals/my_manual.json',
        auth: null as never,
        allowed_communication_protocols: ['text'],
      },
      { rootDir: folder.root },
    )
    expect(result).toMatchObject({ success: true, warnings: [] })
    expect(await client.callTool('m.greeting')).toBe('hello')
  })

  it.each([
    ['manual.yaml', true],
    ['manual.YML', true],
    ['manual', true],
    ['manual.json', false],
  ])('of YAML called %s is read: %s', async (name, success) => {
    await using folder = await testFolder()
    await folder.write(name, 'tools: []')
    const { result } = await register({ call_template_type: 'file', file_path: name }, { rootDir: folder.root })
    expect(result.success).toBe(success)
  })

  it('is looked at again when it changed, and not read when it did not', async () => {
    await using folder = await testFolder()
    await folder.write('manual.json', JSON.stringify(manualOf('one')))
    const { client } = await register(
      { call_template_type: 'text', file_path: 'manual.json' },
      { rootDir: folder.root, protocols: [text()] },
    )
    expect(await client.refreshManual('m')).toMatchObject({ success: true, added: [], removed: [], changed: [] })
    await folder.write('manual.json', JSON.stringify(manualOf('another')))
    expect(await client.refreshManual('m')).toMatchObject({ success: true, added: ['m.another'], removed: ['m.one'] })
  })

  it('answers that nothing changed without reading', async () => {
    await using folder = await testFolder()
    await folder.write('manual.json', 'not even a manual')
    const template = { call_template_type: 'file', file_path: 'manual.json' }
    const caller = { rootDir: folder.root, logger: { debug() {}, info() {}, warn() {}, error() {} } }
    const base = { signal: AbortSignal.timeout(10_000), timeoutMs: 10_000, declaredTemplate: template }
    const protocol = file()()
    await folder.write('manual.json', JSON.stringify(manualOf()))
    const { validators } = await protocol.registerManual(caller, template, {
      ...{ ...base, maxResponseBytes: 1_000, validators: undefined },
    })
    // Nothing may be read: one byte would be too much.
    const again = await protocol.registerManual(caller, template, { ...base, maxResponseBytes: 0, validators })
    expect(again).toEqual({ notModified: true, validators })
  })
})

describe('a tool', () => {
  it('returns its file as it is, whatever it holds', async () => {
    await using folder = await testFolder()
    const content = '\uFEFF{"not": "parsed"} \r\n\t${NAME} ü𝄞\n'
    await folder.write('data.json', content)
    const tool = { name: 'data', tool_call_template: { call_template_type: 'file', file_path: 'data.json' } }
    await folder.write('manual.json', JSON.stringify([tool]))
    const { client } = await register(
      { call_template_type: 'file', file_path: 'manual.json' },
      { rootDir: folder.root },
    )
    expect(await client.callTool('m.data')).toBe(content)
    const pieces: unknown[] = []
    for await (const piece of client.callToolStreaming('m.data')) pieces.push(piece)
    expect(pieces).toEqual([content])
  })

  it('gets its variables in file_path', async () => {
    await using folder = await testFolder()
    await folder.write('rome.txt', 'sunny')
    const tool = { name: 'sky', tool_call_template: { call_template_type: 'file', file_path: '${CITY}.txt' } }
    await folder.write('manual.json', JSON.stringify([tool]))
    await using client = await UtcpClient.create(
      { variables: { m_CITY: 'rome' } },
      { protocols: [file()], rootDir: folder.root },
    )
    await client.registerManual({ name: 'm', call_template_type: 'file', file_path: 'manual.json' })
    expect(await client.callTool('m.sky')).toBe('sunny')
  })
})

describe('a manual from elsewhere', () => {
  const remote = (allowed: readonly string[], tool: Record<string, unknown>, rootDir: string) => {
    const http = {
      callTemplateTypes: ['http'],
      registerManual: async () => ({ manual: { tools: [{ name: 'read', tool_call_template: tool }] } }),
      deregisterManual: async () => {},
      callTool: async () => undefined,
      async *callToolStreaming() {},
      close: async () => {},
    }
    const manual = {
      name: 'm',
      call_template_type: 'http',
      url: 'https://a.example',
      allowed_communication_protocols: allowed,
    }
    return UtcpClient.create({ manual_call_templates: [manual] }, { protocols: [http, text(), file()], rootDir })
  }

  it('brings no tools that read files', async () => {
    await using folder = await testFolder()
    await folder.write('data.txt', 'here')
    await using client = await remote([], { call_template_type: 'file', file_path: 'data.txt' }, folder.root)
    expect(client.initialRegistrations[0]?.manual.tools).toEqual([])
    expect(client.initialRegistrations[0]?.warnings[0]?.message).toContain('allowed_communication_protocols')
  })

  it('that may use text still reads no files by way of it', async () => {
    await using folder = await testFolder()
    await folder.write('data.txt', 'here')
    await using client = await remote(['text'], { call_template_type: 'text', file_path: 'data.txt' }, folder.root)
    await expect(client.callTool('m.read')).rejects.toMatchObject({ code: 'protocol_not_allowed' })
    const stream = client.callToolStreaming('m.read')
    await expect(stream.next()).rejects.toMatchObject({ code: 'protocol_not_allowed' })
  })

  it('that lists file reads within the root', async () => {
    await using folder = await testFolder()
    await folder.write('data.txt', 'here')
    const tool = { call_template_type: 'text', file_path: 'data.txt' }
    await using client = await remote(['text', 'file'], tool, folder.root)
    expect(await client.callTool('m.read')).toBe('here')
  })
})
