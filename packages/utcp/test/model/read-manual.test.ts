import { describe, expect, it } from 'vitest'
import {
  type AuthParser,
  type CallTemplateParser,
  migrateDocument,
  migrateManual,
  readManual,
  TemplateReader,
} from '../../src/index.ts'

const http = { call_template_type: 'http', url: 'https://x.example/a' }

function manualWith(...tools: unknown[]): unknown {
  return { utcp_version: '1.0.1', manual_version: '2.0.0', tools }
}

/** What reading one template comes to: the template, or the warning about it. */
function readTemplate(template: unknown): unknown {
  const { manual, warnings } = readManual(manualWith({ name: 'a', tool_call_template: template }))
  return manual.tools[0]?.tool_call_template ?? warnings.at(-1)
}

describe('a manual', () => {
  it('is read with defaults for what is absent or null', () => {
    const { manual, warnings } = readManual({
      utcp_version: null,
      manual_version: null,
      tools: [
        { name: 'a', tool_call_template: http },
        {
          name: 'b',
          description: null,
          inputs: null,
          outputs: null,
          tags: null,
          average_response_size: null,
          tool_call_template: http,
        },
      ],
    })
    const rest = { description: '', inputs: {}, outputs: {}, tags: [], tool_call_template: http }
    expect(manual).toEqual({
      utcp_version: '1.0.1',
      manual_version: '1.0.0',
      tools: [
        { name: 'a', ...rest },
        { name: 'b', ...rest },
      ],
    })
    expect(warnings).toEqual([])
  })

  it('keeps members that no model knows, at every level, and writes them back', () => {
    const given = {
      utcp_version: '1.1.0',
      manual_version: '1.0.0',
      info: { title: 'T', version: null },
      variables: { a: '1' },
      'x-own': [null],
      tools: [
        {
          ...{ name: 'a', description: 'd', inputs: { 'x-order': ['b'], $comment: null }, outputs: {}, tags: [] },
          auth: { auth_type: 'anything' },
          tool_call_template: {
            ...http,
            'x-timeout': 5,
            auth: { auth_type: 'basic', username: 'u', password: 'p', 'x-k': 1 },
          },
        },
      ],
    }
    const { manual, warnings } = readManual(given)
    expect(JSON.parse(JSON.stringify(manual))).toEqual(given)
    expect(warnings).toEqual([])
  })

  it('as Python writes it, with null for everything that is not set, is the same as without', () => {
    const schema = {
      $schema: null,
      $id: null,
      title: null,
      description: null,
      type: 'string',
      properties: null,
      items: null,
      required: null,
      enum: null,
      const: null,
      default: null,
      examples: null,
      format: null,
      additionalProperties: null,
      pattern: null,
      minimum: null,
      maximum: null,
      minLength: null,
      maxLength: null,
    }
    const inputs = {
      ...schema,
      type: 'object',
      properties: { a: schema, b: { ...schema, enum: [null, 'x'] } },
      additionalProperties: schema,
      anyOf: [schema],
    }
    const template = {
      name: null,
      ...http,
      auth: null,
      allowed_communication_protocols: null,
      http_method: 'GET',
      content_type: 'application/json',
      headers: null,
      body_field: null,
      header_fields: null,
      auth_tools: null,
    }
    const { manual, warnings } = readManual(manualWith({ name: 'a', inputs, tool_call_template: template }))
    const text = { type: 'string' }
    expect(warnings).toEqual([])
    expect(manual.tools[0]).toMatchObject({
      inputs: {
        type: 'object',
        properties: { a: text, b: { type: 'string', enum: [null, 'x'] } },
        additionalProperties: text,
        anyOf: [text],
      },
    })
    expect(JSON.stringify(manual.tools[0]?.inputs)).not.toContain('const')
    expect(manual.tools[0]?.tool_call_template).toEqual({
      ...http,
      http_method: 'GET',
      content_type: 'application/json',
    })
  })

  it('leaves a bad tool out, says which member is wrong, and reads the others', () => {
    const bad: [unknown, string][] = [
      ['text', 'tools[0]'],
      [null, 'tools[1]'],
      [{ tool_call_template: http }, 'tools[2].name'],
      [{ name: '', tool_call_template: http }, 'tools[3].name'],
      [{ name: 'n' }, 'tools[4].tool_call_template'],
      [{ name: 'n', tool_call_template: {} }, 'tools[5].tool_call_template.call_template_type'],
      [{ name: 'n', tool_call_template: { call_template_type: 'http' } }, 'tools[6].tool_call_template.url'],
      [{ name: 'n', tags: 'x', tool_call_template: http }, 'tools[7].tags'],
      [{ name: 'n', tags: [5], tool_call_template: http }, 'tools[8].tags[0]'],
      [{ name: 'n', inputs: 'x', tool_call_template: http }, 'tools[9].inputs'],
      [{ name: 'n', outputs: [], tool_call_template: http }, 'tools[10].outputs'],
      [{ name: 'n', description: 5, tool_call_template: http }, 'tools[11].description'],
      [
        { name: 'n', tool_call_template: { ...http, auth: { auth_type: 'magic' } } },
        'tools[12].tool_call_template.auth.auth_type',
      ],
      [JSON.parse('{"name": "n", "x": {"__proto__": {}}}'), 'tools[13].x.__proto__'],
    ]
    const good = { name: 'good', tool_call_template: http }
    const { manual, warnings } = readManual(manualWith(...bad.map(([tool]) => tool), good))
    expect(manual.tools.map(({ name }) => name)).toEqual(['good'])
    expect(warnings.map(({ path }) => path)).toEqual(bad.map(([, path]) => path))
    for (const { path, message } of warnings) expect(message).toContain(path)
  })

  it('leaves tools of types out that are not taken, with tool and type', () => {
    const tools = [
      { name: 'a', tool_call_template: http },
      { name: 'b', tool_call_template: { call_template_type: 'grpc', x: 1 } },
    ]
    const { manual, warnings } = readManual(manualWith(...tools), { callTemplateTypes: ['http'] })
    expect(manual.tools.map(({ name }) => name)).toEqual(['a'])
    expect(warnings).toEqual([expect.objectContaining({ tool: 'b', callTemplateType: 'grpc' })])
    expect(readManual(manualWith(...tools)).manual.tools).toHaveLength(2)
  })

  it('is frozen, and does not change with what it was read from', () => {
    const tool = { name: 'a', tags: ['one'], inputs: { properties: { a: {} } }, tool_call_template: { ...http } }
    const { manual } = readManual(manualWith(tool))
    tool.tags.push('two')
    tool.tool_call_template.url = 'https://evil.example'
    const [read] = manual.tools
    expect(read?.tags).toEqual(['one'])
    expect(read?.tool_call_template.url).toBe('https://x.example/a')
    for (const part of [
      manual,
      manual.tools,
      read,
      read?.tags,
      read?.inputs,
      read?.inputs.properties,
      read?.tool_call_template,
    ]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })

  it('may have schemas that are true or false', () => {
    const tool = { name: 'a', inputs: true, outputs: false, tool_call_template: http }
    const inner = { name: 'b', inputs: { properties: { x: true }, items: false }, tool_call_template: http }
    const { manual } = readManual(manualWith(tool, inner))
    expect(manual.tools[0]).toMatchObject({ inputs: {}, outputs: { not: {} } })
    expect(manual.tools[1]?.inputs).toEqual(inner.inputs)
  })

  it('is refused when it is nested too deep or holds too much for one tool', () => {
    let deep: unknown = {}
    for (let level = 0; level < 100_000; level += 1) deep = { a: deep }
    const wide = Object.fromEntries(Array.from({ length: 100_001 }, (_, index) => [`k${index}`, 0]))
    const tools = [
      { name: 'deep', inputs: deep },
      { name: 'wide', inputs: wide },
      { name: 'ok', tool_call_template: http },
    ]
    const { manual, warnings } = readManual(manualWith(...tools))
    expect(manual.tools).toHaveLength(1)
    expect(warnings[0]?.message).toContain('64 levels')
    expect(warnings[1]?.message).toContain('100000 members')
    expect(warnings[0]?.path.length).toBeLessThan(200)
  })
})

describe('a call template', () => {
  const valid: Record<string, Record<string, unknown>> = {
    http: {
      url: 'u',
      http_method: 'PATCH',
      content_type: 'c',
      headers: { a: 'b' },
      body_field: 'b',
      header_fields: ['h'],
      auth_tools: { auth_type: 'basic', username: 'u', password: 'p' },
    },
    sse: {
      url: 'u',
      event_type: 'e',
      reconnect: false,
      retry_timeout: 1,
      headers: {},
      body_field: 'b',
      header_fields: [],
    },
    streamable_http: {
      url: 'u',
      http_method: 'POST',
      content_type: 'c',
      chunk_size: 1,
      timeout: 2,
      headers: {},
      body_field: 'b',
      header_fields: [],
    },
    cli: {
      commands: [{ command: 'ls', append_to_final_output: null }],
      env_vars: { A: 'b' },
      inherit_env_vars: [],
      working_dir: '/',
    },
    text: { content: '', base_url: 'u', auth_tools: { auth_type: 'api_key', api_key: 'k' } },
    file: { file_path: 'f' },
    mcp: {
      config: {
        mcpServers: {
          a: { command: ['python', '-m', 'x'], transport: 'stdio' },
          b: { url: 'u', type: 'http', timeout: 3 },
          c: { command: 'x', args: [], env: { A: 'b' } },
        },
      },
      register_resources_as_tools: true,
    },
    tcp: {
      host: 'h',
      port: 1,
      request_data_format: 'text',
      framing_strategy: 'delimiter',
      length_prefix_bytes: 8,
      length_prefix_endian: 'little',
      message_delimiter: '\n',
      interpret_escape_sequences: false,
      fixed_message_length: 5,
      max_response_size: 6,
      timeout: 7,
      response_byte_format: null,
    },
    udp: { host: 'h', port: 65_535, number_of_response_datagrams: 0, response_byte_format: null },
    websocket: {
      url: 'u',
      message: { a: [null] },
      protocol: 'p',
      keep_alive: false,
      response_format: 'json',
      timeout: 30,
      headers: {},
      header_fields: [],
    },
    graphql: {
      url: 'u',
      operation_type: 'subscription',
      operation_name: 'o',
      headers: {},
      header_fields: [],
      query: 'q',
      variable_types: { id: 'ID!' },
    },
    'direct-call': { callable_name: 'f' },
  }

  it.each(Object.entries(valid))('%s is read with all its members', (type, members) => {
    const template = { name: 't', call_template_type: type, ...members, 'x-more': 1 }
    expect(readTemplate(template)).toEqual(template)
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['http', {}, 'url'],
    ['http', { url: 5 }, 'url'],
    ['http', { url: 'u', http_method: 'FETCH' }, 'http_method'],
    ['http', { url: 'u', headers: { a: 5 } }, 'headers.a'],
    ['http', { url: 'u', header_fields: 'x' }, 'header_fields'],
    ['http', { url: 'u', auth_tools: { auth_type: 'basic' } }, 'auth_tools.username'],
    ['http', { url: 'u', auth: 'x' }, 'auth'],
    ['http', { url: 'u', auth: {} }, 'auth.auth_type'],
    ['http', { url: 'u', auth: { auth_type: 'api_key', api_key: '' } }, 'auth.api_key'],
    ['http', { url: 'u', auth: { auth_type: 'api_key', api_key: 'k', location: 'body' } }, 'auth.location'],
    ['http', { url: 'u', auth: { auth_type: 'oauth2', token_url: 't', client_id: 'c' } }, 'auth.client_secret'],
    ['http', { url: 'u', auth: { auth_type: 'oauth2_user' } }, 'auth.access_token'],
    ['http', { url: 'u', name: 5 }, 'name'],
    ['http', { url: 'u', allowed_communication_protocols: 'http' }, 'allowed_communication_protocols'],
    ['sse', { url: 'u', reconnect: 'yes' }, 'reconnect'],
    ['streamable_http', { url: 'u', http_method: 'PUT' }, 'http_method'],
    ['streamable_http', { url: 'u', chunk_size: 0 }, 'chunk_size'],
    ['cli', {}, 'commands'],
    ['cli', { commands: [] }, 'commands'],
    ['cli', { commands: [{}] }, 'commands[0].command'],
    ['text', {}, 'content'],
    ['file', {}, 'file_path'],
    ['mcp', {}, 'config'],
    ['mcp', { config: {} }, 'config.mcpServers'],
    ['mcp', { config: { mcpServers: { a: { command: 5 } } } }, 'config.mcpServers.a.command'],
    ['tcp', { host: 'h', port: 70_000 }, 'port'],
    ['tcp', { host: 'h', port: 1, length_prefix_bytes: 3 }, 'length_prefix_bytes'],
    ['udp', { port: 1 }, 'host'],
    ['websocket', { url: 'u', response_format: 'xml' }, 'response_format'],
    ['graphql', { url: 'u', operation_type: 'drop' }, 'operation_type'],
    ['direct-call', {}, 'callable_name'],
  ])('%s with %j is refused because of %s', (type, members, member) => {
    expect(readTemplate({ call_template_type: type, ...members })).toMatchObject({
      path: `tools[0].tool_call_template.${member}`,
    })
  })

  it('takes the founding forms of cli and text', () => {
    const cli = { call_template_type: 'cli', command_name: 'my-command --utcp', auth: null }
    expect(readTemplate(cli)).toEqual({ call_template_type: 'cli', command_name: 'my-command --utcp' })
    const text = { call_template_type: 'text', file_path: './m.json', auth: null }
    expect(readTemplate(text)).toEqual({ call_template_type: 'text', file_path: './m.json' })
  })

  it('treats null headers and environment variables as absent', () => {
    expect(readTemplate({ ...http, headers: { a: 'b', c: null } })).toEqual({ ...http, headers: { a: 'b' } })
  })

  it('is read by parsers of one client, which may refuse, change and know more', () => {
    const callTemplate: CallTemplateParser = {
      callTemplateType: 'http',
      parse: (template) => ({ ...template, url: `${String(template.url)}/parsed` }),
    }
    const auth: AuthParser = { authType: 'magic', parse: (value) => ({ ...value, spell: 'x' }) }
    const reader = new TemplateReader({ callTemplates: [callTemplate], auths: [auth] })
    const read = reader.read({ ...http, auth: { auth_type: 'magic' } }, 't', () => {})
    expect(read).toEqual({ ...http, url: 'https://x.example/a/parsed', auth: { auth_type: 'magic', spell: 'x' } })
    expect(() => new TemplateReader().read({ ...http, auth: { auth_type: 'magic' } }, 't', () => {})).toThrow(
      't.auth.auth_type',
    )
  })
})

describe('documents of UTCP 0.x', () => {
  const manual = {
    version: '0.2.1',
    tools: [
      {
        ...{ name: 'old', description: 'd', tags: [], outputs: {} },
        inputs: { type: 'object' },
        tool_provider: { name: 'p', provider_type: 'http_stream', url: 'u', http_method: 'POST' },
      },
      {
        name: 'older',
        parameters: { type: 'object', title: 'P' },
        provider: { provider_type: 'cli', command_name: 'x', cwd: '/srv' },
      },
      { name: 'draft', tool_transport: { transport_type: 'http_sse', url: 'u' } },
      { name: 'post', tool_provider: { provider_type: 'http', url: 'u', method: 'POST' } },
    ],
  }

  it('are converted, with warnings', () => {
    const { manual: read, warnings } = migrateManual(manual)
    expect(read).toMatchObject({ utcp_version: '1.0.1', manual_version: '0.2.1' })
    expect(read).not.toHaveProperty('version')
    expect(read.tools.map((tool) => tool.tool_call_template)).toEqual([
      { name: 'p', call_template_type: 'streamable_http', url: 'u', http_method: 'POST' },
      { call_template_type: 'cli', command_name: 'x', working_dir: '/srv' },
      { call_template_type: 'sse', url: 'u' },
      { call_template_type: 'http', url: 'u', http_method: 'POST' },
    ])
    expect(read.tools[1]?.inputs).toEqual({ type: 'object', title: 'P' })
    expect(read.tools[0]).not.toHaveProperty('tool_provider')
    expect(warnings.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        'version',
        'tools[0]',
        'tools[0].tool_call_template',
        'tools[3].tool_call_template.body_field',
      ]),
    )
  })

  it('are recognised whichever they are', () => {
    expect(migrateDocument(manual)).toMatchObject({ kind: 'manual' })
    const providers = [{ name: 'p', provider_type: 'http', url: 'u' }]
    const templates = [{ name: 'p', call_template_type: 'http', url: 'u' }]
    expect(migrateDocument(providers)).toMatchObject({ kind: 'call_templates', value: templates })
    expect(migrateDocument({ providers })).toMatchObject({ kind: 'call_templates', value: templates })
    const config = {
      providers_file_path: 'p.json',
      variables: { a: 'b' },
      load_variables_from: [{ type: 'dotenv', env_file_path: '.env' }],
    }
    const migrated = migrateDocument(config)
    expect(migrated).toMatchObject({ kind: 'config' })
    expect(migrated.value).toEqual({
      variables: { a: 'b' },
      load_variables_from: [{ variable_loader_type: 'dotenv', env_file_path: '.env' }],
      manual_call_templates: [],
    })
    expect(migrated.warnings.map(({ path }) => path)).toEqual(['providers_file_path', 'load_variables_from[0].type'])
    expect(() => migrateDocument('x')).toThrow('must be an object or a list')
    expect(() => migrateDocument([{ provider_type: 'http' }])).toThrow('[0].url: is missing')
  })

  it('of 1.x pass unchanged', () => {
    const current = {
      utcp_version: '1.0.1',
      manual_version: '1.0.0',
      tools: [{ name: 'a', description: '', inputs: {}, outputs: {}, tags: [], tool_call_template: http }],
    }
    expect(migrateManual(current)).toEqual({ manual: current, warnings: [] })
  })
})
