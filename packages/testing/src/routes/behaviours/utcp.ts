import { expect } from 'vitest'
import { expectPassedOn } from '../expectations.ts'
import { trickyToolkits, trickyTools } from '../fixtures/tricky.ts'
import { get, post, urlOf } from '../http-client.ts'
import { nullsIn, refsIn, resolveRef } from '../json-pointers.ts'
import type { RouteBehaviour, RoutesHost } from '../route-behaviour.ts'

interface Template {
  url: string
  headers?: Record<string, string>
  auth?: unknown
}
interface Manual {
  utcp_version: string
  manual_version: string
  tools: { name: string; inputs: Schema; outputs: Schema; tool_call_template: Template }[]
}
interface Schema {
  properties: Record<string, unknown>
}

const mounts = ['/public', '/tricky', '/registry', '/keys', '/own', '/bare', '/settings', '/nested/deeper', '']

/** The manual that UTCP clients read. */
export const utcpBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'utcp.members',
    says: 'serves manuals with exactly the members that strict readers take, and without null',
    rules: ['route.utcp'],
    async run(host) {
      for (const mount of mounts) {
        const manual = await manualOf(host, mount)
        expect(Object.keys(manual).sort()).toEqual(['manual_version', 'tools', 'utcp_version'])
        expect(manual.utcp_version).toMatch(/^1\./)
        expect(manual.manual_version).toMatch(/./)
        expect(nullsIn(manual)).toEqual([])
        const known = ['name', 'description', 'inputs', 'outputs', 'tags', 'tool_call_template']
        expect(manual.tools.flatMap((tool) => Object.keys(tool)).filter((key) => !known.includes(key))).toEqual([])
      }
    },
  },
  {
    id: 'utcp.content-type',
    says: 'serves the manual as JSON in UTF-8',
    rules: ['route.utcp'],
    async run(host) {
      const answer = await get(host, '/public/utcp')
      expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
    },
  },
  {
    id: 'utcp.every-tool',
    says: 'tells every tool once, as toolkit.tool',
    rules: ['route.utcp'],
    async run(host) {
      const names = (await manualOf(host, '/public')).tools.map(({ name }) => name)
      expect(names).toEqual(expect.arrayContaining(['shop.find_products', 'contacts.create_contact', 'probe.echo']))
      expect(new Set(names).size).toBe(names.length)
      const { tools } = await manualOf(host, '/tricky')
      expect(tools).toHaveLength(trickyToolkits.length * trickyTools.length)
      expect(new Set(tools.map(({ name }) => name)).size).toBe(tools.length)
      const registered = (await manualOf(host, '/registry')).tools.map(({ name }) => name)
      expect(registered).toContain('store.quote')
    },
  },
  {
    id: 'utcp.template',
    says: 'gives each tool an http template to its own route, with the arguments as the body',
    rules: ['route.utcp', 'public-url'],
    async run(host) {
      const tool = await toolOf(host, '/public', 'shop.quote')
      const { url, ...template } = tool.tool_call_template
      expect(template).toEqual({
        call_template_type: 'http',
        http_method: 'POST',
        content_type: 'application/json',
        body_field: 'body',
      })
      expect(url.replace(/\/$/, '')).toBe(urlOf(host, '/public/atp/shop/quote'))
    },
  },
  {
    id: 'utcp.urls-work',
    says: 'gives addresses that work as they stand, whatever the names are',
    rules: ['route.utcp', 'public-url', 'input.names', 'mounts.prefix'],
    async run(host) {
      const urls: string[] = []
      for (const mount of ['/tricky', '/nested/deeper', '/registry', '']) {
        urls.push(...(await manualOf(host, mount)).tools.map((tool) => tool.tool_call_template.url))
      }
      const origin = urlOf(host, '')
      for (const url of urls) {
        expect(url.startsWith(`${origin}/`)).toBe(true)
        const answer = await get(host, url.slice(origin.length))
        expect([url, answer.status]).toEqual([url, 200])
      }
      expect((await post(host, urls[0]?.slice(origin.length) ?? '', {})).status).toBe(200)
    },
  },
  {
    id: 'utcp.schemas',
    says: 'puts the schema of the arguments under body and the one of the result under result',
    rules: ['route.utcp'],
    async run(host) {
      const { inputs, outputs } = await toolOf(host, '/public', 'shop.find_products')
      expect(inputs).toMatchObject({
        type: 'object',
        properties: { body: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] } },
        required: ['body'],
      })
      expect(outputs).toMatchObject({
        type: 'object',
        properties: { result: { type: 'object', properties: { products: { type: 'array' } } } },
      })
    },
  },
  {
    id: 'utcp.references',
    says: 'keeps references of schemas in the manual pointing at what they meant',
    rules: ['route.utcp'],
    async run(host) {
      for (const mount of ['/public', '/registry']) {
        for (const { inputs, outputs } of (await manualOf(host, mount)).tools) {
          for (const schema of [inputs, outputs]) for (const ref of refsIn(schema)) resolveRef(schema, ref)
        }
      }
      const nodes = await toolOf(host, '/public', 'trees.count_nodes')
      expect(meantBy(nodes.inputs, refsIn(nodes.inputs))).toEqual(['label,children', 'label,children'])
      expect(refsIn(nodes.outputs).map((ref) => resolveRef(nodes.outputs, ref))).toEqual([
        { type: 'integer', minimum: 0 },
      ])
      const titles = await toolOf(host, '/public', 'trees.count_titles')
      expect(new Set(meantBy(titles.inputs, refsIn(titles.inputs)))).toEqual(new Set(['title,parts']))
    },
  },
  {
    id: 'utcp.key-where-closed',
    says: "tells clients to send a key of the user's where running is closed",
    rules: ['route.utcp', 'authorize.closed'],
    async run(host) {
      for (const mount of ['/keys', '/own', '/bare']) {
        for (const { tool_call_template } of (await manualOf(host, mount)).tools) {
          expect(tool_call_template.auth).toEqual({
            auth_type: 'api_key',
            // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of UTCP
            api_key: 'Bearer ${ATP_API_KEY}',
            var_name: 'Authorization',
            location: 'header',
          })
        }
      }
    },
  },
  {
    id: 'utcp.no-key-where-open',
    says: 'asks for no key where running is open',
    rules: ['route.utcp', 'authorize.public'],
    async run(host) {
      for (const mount of ['/public', '/tricky', '']) {
        const { tools } = await manualOf(host, mount)
        expect(tools.filter(({ tool_call_template }) => 'auth' in tool_call_template)).toEqual([])
      }
    },
  },
  {
    id: 'utcp.tokens',
    says: "asks for the end user's token of the provider, and only where a tool needs one",
    rules: ['route.utcp', 'token.header'],
    async run(host) {
      const { tools } = await manualOf(host, '/public')
      const headers = tools.flatMap(({ name, tool_call_template }) =>
        tool_call_template.headers === undefined ? [] : [[name, tool_call_template.headers]],
      )
      const token = (variable: string): object => ({ 'X-ATP-Auth-Token': `\${${variable}}` })
      expect(headers).toEqual([
        ['contacts.create_contact', token('HUBSPOT_AUTH_TOKEN')],
        ['contacts.share_card', token('GOOGLE_DRIVE_AUTH_TOKEN')],
        ['contacts.count_contacts', token('ATP_AUTH_TOKEN')],
      ])
    },
  },
  {
    id: 'utcp.path-option',
    says: 'serves the manual at the path of the option, and no longer at /utcp',
    rules: ['route.utcp-path', 'pass-on'],
    async run(host) {
      expect((await get(host, '/settings/tools/manual')).json).toMatchObject({ tools: expect.any(Array) })
      expectPassedOn(await get(host, '/settings/utcp'))
      expectPassedOn(await get(host, '/settings/tools/'))
    },
  },
  {
    id: 'utcp.off',
    says: 'serves no manual where it is turned off, and everything else as before',
    rules: ['route.utcp-path', 'pass-on'],
    async run(host) {
      expectPassedOn(await get(host, '/quiet/utcp'))
      expect((await get(host, '/quiet/atp/')).status).toBe(200)
    },
  },
  {
    id: 'utcp.public-url',
    says: 'takes addresses from publicUrl where it is given, and the version from its option',
    rules: ['public-url', 'route.utcp'],
    async run(host) {
      const manual = await manualOf(host, '/settings')
      expect(manual.manual_version).toBe('2.3.4')
      for (const { tool_call_template } of manual.tools) {
        expect(tool_call_template.url).toMatch(/^https:\/\/tools\.example\.com\/base\/atp\/(shop|probe)\/\w+\/?$/)
      }
    },
  },
  {
    id: 'utcp.forwarded',
    says: 'believes no X-Forwarded header that nobody told it to trust',
    rules: ['public-url'],
    async run(host) {
      const headers = {
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'https',
        forwarded: 'host=evil.example',
      }
      const answer = await get(host, '/public/utcp', headers)
      expect(answer.status).toBe(200)
      expect(answer.text).not.toContain('evil.example')
    },
  },
]

async function manualOf(host: RoutesHost, mount: string): Promise<Manual> {
  const answer = await get(host, mount === '/settings' ? '/settings/tools/manual' : `${mount}/utcp`)
  expect([mount, answer.status]).toEqual([mount, 200])
  return answer.json as Manual
}

async function toolOf(host: RoutesHost, mount: string, name: string): Promise<Manual['tools'][number]> {
  const tool = (await manualOf(host, mount)).tools.find((each) => each.name === name)
  if (tool === undefined) throw new Error(`The manual of ${mount} has no tool ${name}`)
  return tool
}

/** The parameters of the schemas that references point at. */
function meantBy(document: unknown, refs: readonly string[]): string[] {
  return refs.map((ref) => Object.keys((resolveRef(document, ref) as Schema).properties).join())
}
