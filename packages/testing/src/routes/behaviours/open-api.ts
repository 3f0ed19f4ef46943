import { Validator } from '@seriousme/openapi-schema-validator'
import { expect } from 'vitest'
import { get, urlOf } from '../http-client.ts'
import { refsIn, resolveRef } from '../json-pointers.ts'
import type { RouteBehaviour, RoutesHost } from '../route-behaviour.ts'

type Json = Record<string, unknown>
interface Operation {
  operationId?: string
  security?: Json[]
  requestBody: { content: Record<string, { schema: Json }> }
}
interface Document extends Json {
  openapi: string
  info: { title: string; version: string }
  servers: { url: string }[]
  paths: Record<string, Record<string, Operation>>
  components: { securitySchemes?: Json }
}

const mounts = ['/public', '/tricky', '/registry', '/keys', '/own', '/settings', '/quiet', '/nested/deeper', '']

/** The OpenAPI document of the routes. */
export const openApiBehaviours: readonly RouteBehaviour[] = [
  {
    id: 'openapi.valid',
    says: 'serves documents that a public validator takes for OpenAPI 3.1',
    rules: ['route.openapi'],
    async run(host) {
      for (const mount of mounts) {
        const document = await documentOf(host, mount)
        expect(document.openapi).toMatch(/^3\.1\./)
        const { valid, errors } = await new Validator().validate(document)
        expect([mount, valid, errors]).toEqual([mount, true, errors])
      }
    },
  },
  {
    id: 'openapi.references',
    says: 'keeps references of schemas in the document pointing at what they meant',
    rules: ['route.openapi'],
    async run(host) {
      const document = await documentOf(host, '/public')
      for (const ref of refsIn(document)) resolveRef(document, ref)
      const root = argumentsOf(document, '/atp/trees/count_nodes').properties as Record<string, Json>
      const node = follow(document, root.root)
      expect(node).toMatchObject({ properties: { label: { type: 'string' } } })
      const children = (node.properties as Record<string, Json>).children?.items as Json
      expect(follow(document, children)).toEqual(node)
      const category = argumentsOf(document, '/atp/trees/count_titles')
      const parts = (category.properties as Record<string, Json>).parts?.items as Json
      expect(Object.keys(follow(document, parts).properties as object)).toEqual(['title', 'parts'])
    },
  },
  {
    id: 'openapi.paths',
    says: 'tells every tool with an address that works, whatever the names are',
    rules: ['route.openapi', 'input.names', 'mounts.prefix'],
    async run(host) {
      for (const mount of ['/public', '/tricky', '/nested/deeper', '/registry', '']) {
        const { paths, servers } = await documentOf(host, mount)
        expect(servers.map(({ url }) => url.replace(/\/$/, ''))).toEqual([urlOf(host, mount)])
        const tools = Object.entries(paths).filter(([, methods]) => 'post' in methods)
        for (const [path] of tools) {
          const { status, json } = await get(host, mount + path)
          expect([path, status]).toEqual([path, 200])
          expect(json).toHaveProperty('function')
        }
        const manual = (await get(host, `${mount}/utcp`)).json as { tools: unknown[] }
        expect(tools).toHaveLength(manual.tools.length)
      }
    },
  },
  {
    id: 'openapi.operation-ids',
    says: 'gives every operation an id of its own',
    rules: ['route.openapi'],
    async run(host) {
      for (const mount of mounts) {
        const { paths } = await documentOf(host, mount)
        const ids = Object.values(paths).flatMap((methods) => Object.values(methods).map((each) => each.operationId))
        expect(ids.filter((id) => typeof id !== 'string' || id === '')).toEqual([])
        expect(new Set(ids).size).toBe(ids.length)
      }
    },
  },
  {
    id: 'openapi.security',
    says: 'asks for a bearer key where running is closed, and nowhere else',
    rules: ['route.openapi', 'authorize.closed', 'authorize.public'],
    async run(host) {
      const closed = await documentOf(host, '/keys')
      const [name, scheme] = Object.entries(closed.components.securitySchemes ?? {})[0] ?? []
      expect(scheme).toMatchObject({ type: 'http', scheme: 'bearer' })
      const operation = closed.paths['/atp/shop/quote/'] ?? closed.paths['/atp/shop/quote']
      expect(operation?.post?.security ?? closed.security).toEqual([{ [name ?? '']: [] }])
      const open = await documentOf(host, '/public')
      expect(JSON.stringify(open)).not.toContain('securitySchemes')
      expect(open.security ?? []).toEqual([])
    },
  },
  {
    id: 'openapi.options',
    says: 'takes title, version and address from the options, and else from the toolkits and the request',
    rules: ['route.openapi', 'public-url'],
    async run(host) {
      const told = await documentOf(host, '/settings')
      expect(told.info).toMatchObject({ title: 'Tools of a shop', version: '2.3.4' })
      expect(told.servers.map(({ url }) => url.replace(/\/$/, ''))).toEqual(['https://tools.example.com/base'])
      const untold = await documentOf(host, '/keys')
      expect(untold.info.title).toMatch(/shop.*contacts/)
      expect(untold.info.version).toBe('1.0.0')
    },
  },
  {
    id: 'openapi.content-type',
    says: 'serves the document as JSON in UTF-8',
    rules: ['route.openapi'],
    async run(host) {
      const answer = await get(host, '/public/atp/openapi.json')
      expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
    },
  },
]

async function documentOf(host: RoutesHost, mount: string): Promise<Document> {
  const answer = await get(host, `${mount}/atp/openapi.json`)
  expect([mount, answer.status]).toEqual([mount, 200])
  return answer.json as Document
}

/** The schema of a tool's arguments, by the path of the tool without a final slash. */
function argumentsOf(document: Document, path: string): Json {
  const operation = (document.paths[`${path}/`] ?? document.paths[path])?.post
  return follow(document, operation?.requestBody.content['application/json']?.schema)
}

function follow(document: Document, schema: Json | undefined): Json {
  return typeof schema?.$ref === 'string' ? follow(document, resolveRef(document, schema.$ref) as Json) : (schema ?? {})
}
