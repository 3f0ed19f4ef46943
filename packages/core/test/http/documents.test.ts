import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { toOpenApiDocument, toUtcpManual } from '../../src/http.ts'
import { createRegistry, Toolkit, type ToolkitRegistry } from '../../src/index.ts'

interface Node {
  name: string
  children: Node[]
}
const node: z.ZodType<Node> = z.object({
  name: z.string(),
  get children() {
    return z.array(node)
  },
})

function registry(): ToolkitRegistry {
  const made = createRegistry()
  for (const name of ['Büro Nord', 'B_ro Nord', 'plain']) {
    const toolkit = new Toolkit({ appName: name })
    toolkit.registerTool(
      { name: 'walk', description: 'Walks', params: z.object({ root: node }), output: node, tags: ['tree'] },
      ({ root }) => root,
    )
    toolkit.registerTool({ name: 'mail', description: 'Mails', auth: { type: 'OAuth2', provider: 'my-mail' } }, () => 1)
    made.registerClient(name, toolkit)
  }
  return made
}

const options = { baseUrl: 'https://example.com/api' }

/** Every `$ref` of a document, resolved from its root. */
function unresolved(root: unknown, at: unknown = root): string[] {
  if (typeof at !== 'object' || at === null) return []
  return Object.entries(at).flatMap(([key, value]) => {
    if (key !== '$ref' || typeof value !== 'string') return unresolved(root, value)
    let target = root
    for (const part of value.replace(/^#\/?/, '').split('/').filter(Boolean)) {
      target = (target as Record<string, unknown> | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')]
    }
    return target === undefined ? [value] : []
  })
}

describe('the UTCP manual', () => {
  const manual = toUtcpManual(registry(), options)

  it('names each tool once, also where toolkits’ names look alike as identifiers', () => {
    expect(manual.tools.map(({ name }) => name)).toEqual([
      'B_ro_Nord.walk',
      'B_ro_Nord.mail',
      'B_ro_Nord.walk_2',
      'B_ro_Nord.mail_2',
      'plain.walk',
      'plain.mail',
    ])
  })

  it('has schemas whose references lead somewhere', () => {
    for (const tool of manual.tools) {
      expect(unresolved(tool.inputs)).toEqual([])
      expect(unresolved(tool.outputs)).toEqual([])
    }
    expect(JSON.stringify(manual)).toContain('#/properties/body')
  })

  it('asks for the key and for the token of the provider', () => {
    expect(manual.tools[1]?.tool_call_template).toEqual({
      call_template_type: 'http',
      url: 'https://example.com/api/atp/B%C3%BCro%20Nord/mail/',
      http_method: 'POST',
      content_type: 'application/json',
      body_field: 'body',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: UTCP variables
      headers: { 'X-ATP-Auth-Token': '${MY_MAIL_AUTH_TOKEN}' },
      // biome-ignore lint/suspicious/noTemplateCurlyInString: UTCP variables
      auth: { auth_type: 'api_key', api_key: 'Bearer ${ATP_API_KEY}', var_name: 'Authorization', location: 'header' },
    })
  })

  it('asks for no key where none is needed', () => {
    const open = toUtcpManual(registry(), { ...options, closed: false })
    expect(open.tools[0]?.tool_call_template).not.toHaveProperty('auth')
  })

  it('has the members that strict readers know, and nothing null', () => {
    expect(Object.keys(manual)).toEqual(['utcp_version', 'manual_version', 'tools'])
    expect(Object.keys(manual.tools[0] ?? {})).toEqual([
      'name',
      'description',
      'inputs',
      'outputs',
      'tags',
      'tool_call_template',
    ])
    expect(JSON.stringify(manual)).not.toContain('null')
  })
})

describe('the OpenAPI document', () => {
  const document = toOpenApiDocument(registry(), options) as {
    paths: Record<string, Record<string, { operationId: string }>>
  }

  it('has references that lead somewhere', () => {
    expect(unresolved(document)).toEqual([])
  })

  it('gives each operation an id of its own', () => {
    const ids = Object.values(document.paths).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    )
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toContain('plain_walk')
  })

  it('keeps the schemas of two tools apart whose names look alike', () => {
    const names = Object.keys((document as unknown as { components: { schemas: object } }).components.schemas)
    expect(names).toHaveLength(new Set(names).size)
    expect(names.filter((name) => name.startsWith('B_ro_Nord.walk.input'))).toHaveLength(2)
  })
})
