import { expect } from 'vitest'
import { call, get } from '../http-client.ts'
import type { RouteBehaviour } from '../route-behaviour.ts'

const toolMembers = [
  'function',
  'params',
  'required_params',
  'description',
  'auth_provider',
  'auth_type',
  'auth_with',
  'input_schema',
  'annotations',
]

/** What GET tells of toolkits and tools. */
export const metadataBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'list.toolkits',
    says: 'lists the toolkits in the order of the mount, each with its route name and app_name',
    rules: ['route.list', 'mounts.several'],
    async run(host) {
      const answer = await get(host, '/public/atp/')
      const names = ['shop', 'contacts', 'trees', 'probe', 'failures', 'streams']
      expect(answer.status).toBe(200)
      expect(answer.json).toEqual({ toolkits: names.map((name) => ({ toolkit: name, app_name: name })) })
    },
  },
  {
    id: 'list.registry-names',
    says: 'lists toolkits of a registry under the names they were registered with',
    rules: ['route.list', 'mounts.several'],
    async run(host) {
      const { toolkits } = (await get(host, '/registry/atp/')).json as { toolkits: unknown[] }
      expect(toolkits).toContainEqual({ toolkit: 'store', app_name: 'shop' })
      expect(toolkits).toContainEqual({ toolkit: 'Büro Nord', app_name: 'north' })
    },
  },
  {
    id: 'toolkit.tools',
    says: 'describes a toolkit with all its tools, each as its own route describes it',
    rules: ['route.toolkit', 'route.tool'],
    async run(host) {
      const answer = await get(host, '/public/atp/contacts/')
      const tools = await Promise.all(
        ['create_contact', 'share_card', 'count_contacts'].map(
          async (name) => (await get(host, `/public/atp/contacts/${name}/`)).json,
        ),
      )
      expect(answer.status).toBe(200)
      expect(answer.json).toEqual({ toolkit: 'contacts', app_name: 'contacts', tools })
    },
  },
  {
    id: 'toolkit.registry-name',
    says: 'tells both names of a toolkit that is registered under another one',
    rules: ['route.toolkit'],
    async run(host) {
      const answer = await get(host, '/registry/atp/store/')
      expect(answer.json).toMatchObject({ toolkit: 'store', app_name: 'shop' })
    },
  },
  {
    id: 'tool.founding-members',
    says: 'describes a tool with the founding members, and never shows auth_token as a parameter',
    rules: ['route.tool'],
    async run(host) {
      const answer = await get(host, '/public/atp/contacts/create_contact/')
      expect(answer.status).toBe(200)
      expect(answer.json).toMatchObject({
        function: 'create_contact',
        params: ['email', 'name'],
        required_params: ['email'],
        description: 'Creates a contact in the CRM',
        auth_provider: 'hubspot',
        auth_type: 'OAuth2',
        auth_with: 'access_token',
      })
      expect(answer.text).not.toContain('auth_token')
    },
  },
  {
    id: 'tool.null-auth',
    says: 'writes null for the auth members of a tool that needs none',
    rules: ['route.tool'],
    async run(host) {
      const answer = await get(host, '/public/atp/shop/quote/')
      expect(answer.json).toMatchObject({ auth_provider: null, auth_type: null, auth_with: null })
      expect(Object.keys(answer.json as object)).toEqual(expect.arrayContaining(toolMembers))
    },
  },
  {
    id: 'tool.schemas',
    says: 'describes both schemas and the annotations, in snake_case',
    rules: ['route.tool'],
    async run(host) {
      const answer = await get(host, '/public/atp/shop/find_products/')
      expect(answer.json).toMatchObject({
        params: ['query', 'limit', 'tags'],
        required_params: ['query'],
        input_schema: { type: 'object', properties: { query: { type: 'string' }, limit: { default: 10 } } },
        output_schema: { type: 'object', properties: { products: { type: 'array' } } },
        annotations: { title: 'Find products', read_only: true, idempotent: true },
      })
    },
  },
  {
    id: 'tool.schema-untouched',
    says: 'describes a schema as its author wrote it, references included',
    rules: ['route.tool'],
    async run(host) {
      const { input_schema } = (await get(host, '/public/atp/trees/count_nodes/')).json as { input_schema: object }
      expect(input_schema).toMatchObject({
        properties: { root: { $ref: '#/$defs/node' } },
        $defs: { node: { properties: { children: { items: { $ref: '#/$defs/node' } } } } },
      })
    },
  },
  {
    id: 'metadata.content-type',
    says: 'answers metadata as JSON in UTF-8',
    rules: ['route.list', 'route.toolkit', 'route.tool'],
    async run(host) {
      for (const path of ['/public/atp/', '/public/atp/shop/', '/public/atp/shop/quote/']) {
        const answer = await get(host, path)
        expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
      }
    },
  },
  {
    id: 'registry.grows',
    says: 'serves a toolkit that was registered after the mount was made',
    rules: ['mounts.several'],
    async run(host) {
      const name = crypto.randomUUID()
      expect((await get(host, `/registry/atp/${name}/`)).status).toBe(404)
      await call(host, '/registry/atp/store/open_branch/', { name })
      expect(await call(host, `/registry/atp/${name}/remember/`, { note: 1 })).toEqual({ note: 1 })
    },
  },
]
