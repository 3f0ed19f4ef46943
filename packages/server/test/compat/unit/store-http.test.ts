import { silentLogger } from '@atp/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStore } from '../../../src/index.ts'
import { startTestServer, type TestServer } from '../../support/test-server.ts'
import { ask, registration } from './legacy-peers.ts'

const prefix = '/api/v1/atp/llm-client'
let server: TestServer
const keys: string[] = []

beforeAll(async () => {
  server = await startTestServer()
  for (const name of ['Alpha', 'Beta', 'Gamma']) {
    const { key } = await server.server.createKey({ kind: 'toolkit', name })
    keys.push(key)
    const metadata = { params: ['x'], auth_type: 'apiKey' }
    await ask(`${server.url}/api/v1/register_tool`, registration(key, name, 'tool', { metadata }))
  }
})

afterAll(() => server[Symbol.asyncDispose]())

const get = (path: string, key = server.keys.llmKey) =>
  ask(path.startsWith('/api') ? server.url + path : `${server.url}${prefix}/${path}`, undefined, {
    authorization: `ApiKey ${key}`,
  })

async function publication(method: 'PUT' | 'DELETE', name: string, key = server.keys.adminKey): Promise<Response> {
  return fetch(`${server.url}/api/v2/toolkits/${name}/publication`, {
    method,
    headers: { authorization: `Bearer ${key}` },
  })
}

const namesOf = (body: Record<string, unknown>): unknown[] =>
  (body.results as { name: unknown }[]).map(({ name }) => name)

describe('the store', () => {
  it('lists published toolkits only', async () => {
    expect((await get('store/toolkits/list/')).body).toEqual({
      count: 0,
      page: 1,
      page_size: 20,
      next: null,
      previous: null,
      results: [],
    })
    expect((await publication('PUT', 'Beta')).status).toBe(200)
    expect(namesOf((await get('store/toolkits/list')).body)).toEqual(['Beta'])
    expect((await (await publication('PUT', 'beta')).json()) as object).toMatchObject({
      name: 'Beta',
      published_at: expect.any(Number),
    })
    await publication('DELETE', 'Beta')
    expect((await get('store/toolkits/list/')).body).toMatchObject({ count: 0 })
  })

  it('is changed by admin keys only', async () => {
    expect((await publication('PUT', 'Beta', server.keys.llmKey)).status).toBe(403)
    expect((await publication('PUT', 'nobody')).status).toBe(404)
    expect((await get('store/toolkits/list/', 'atp_llm_wrong')).status).toBe(401)
  })

  it('shows what a toolkit is, without keys and code', async () => {
    await publication('PUT', 'Alpha')
    const { body } = await get('store/toolkits/list/')
    const [{ toolkit_id } = { toolkit_id: '' }] = body.results as { toolkit_id: string }[]
    for (const id of [toolkit_id, '%40default%2Falpha', 'alpha', 'Alpha']) {
      const details = await get(`store/toolkits/${id}/`)
      expect(details).toMatchObject({
        status: 200,
        body: { toolkit_id, name: 'Alpha', description: '', developer: { display_name: 'default' } },
      })
      expect(details.body.tools).toMatchObject([{ name: 'tool', params: ['x'], auth_type: 'apiKey' }])
      const text = JSON.stringify(details.body)
      expect(text).not.toContain('SOURCE')
      for (const key of keys) expect(text).not.toContain(key)
    }
    expect((await get('store/developers/default/')).body).toEqual({
      display_name: 'default',
      bio: '',
      toolkits: [{ toolkit_id, name: 'Alpha', slug: 'alpha', description: '' }],
    })
    await publication('DELETE', 'Alpha')
  })

  it.each(['store/toolkits/nobody/', 'store/toolkits/%40default%2Fnobody/', 'store/developers/nobody/'])(
    'answers 404 to %s',
    async (path) => {
      expect(await get(path)).toMatchObject({ status: 404, body: { error: expect.any(String) } })
    },
  )

  it('shows nothing of another project but what it published', async () => {
    const { dataDir } = server
    const store = await openStore({ dataDir, serve: false, logger: silentLogger })
    const foreign = await store.projects.ensure('acme', 1)
    const hidden = await store.toolkits.ensure(foreign.id, 'Hidden', 1)
    const shown = await store.toolkits.ensure(foreign.id, 'Shown', 1)
    expect((await get('store/developers/acme/')).status).toBe(404)
    await store.toolkits.publish(foreign.id, shown.id, 2)
    await store.close()
    expect(await get(`store/toolkits/${shown.id}/`)).toMatchObject({
      status: 200,
      body: { developer: { display_name: 'acme' } },
    })
    expect((await get('store/toolkits/%40acme%2Fshown/')).status).toBe(200)
    // A bare name never leaves the project.
    for (const id of [hidden.id, 'Hidden', 'shown', '%40acme%2Fhidden']) {
      expect((await get(`store/toolkits/${id}/`)).status).toBe(404)
    }
    expect((await get('store/developers/acme/')).body.toolkits).toMatchObject([{ name: 'Shown' }])
    expect(namesOf((await get('developers/toolkits/')).body)).toEqual(['Alpha', 'Beta', 'Gamma'])
  })
})

describe('pages', () => {
  it('lead from the first to the last and back', async () => {
    const first = await get('developers/toolkits/?page_size=2')
    expect(first.body).toMatchObject({ count: 3, page: 1, page_size: 2, previous: null })
    expect(namesOf(first.body)).toEqual(['Alpha', 'Beta'])
    const second = await get(String(first.body.next))
    expect(second.body).toMatchObject({ count: 3, page: 2, page_size: 2, next: null })
    expect(namesOf(second.body)).toEqual(['Gamma'])
    expect(await get(String(second.body.previous))).toEqual(first)
    const beyond = await get('developers/toolkits/?page=9&page_size=2')
    expect(beyond.body).toMatchObject({ results: [], next: null, count: 3 })
    expect(namesOf((await get(String(beyond.body.previous))).body)).toEqual(['Gamma'])
  })

  it.each(['page=0', 'page=x', 'page=1.5', 'page_size=0', 'page_size=101', 'page=1&page=2', 'page=99999999'])(
    'refuse %s',
    async (query) => {
      expect((await get(`developers/toolkits/?${query}`)).status).toBe(400)
    },
  )
})
