import { silentLogger } from '@atp/core'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMemoryBus } from '../../src/bus/memory.ts'
import { registerEndpointHttp } from '../../src/gateway/endpoint-http.ts'
import { createHttpApp } from '../../src/gateway/http-app.ts'
import { defaultLimits } from '../../src/limits.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Store, StoredToolkit } from '../../src/store/store.ts'
import { temporaryFolder } from '../store/temporary-folder.ts'
import { makeCall } from '../support/make-call.ts'

let app: FastifyInstance
let store: Store
let toolkit: StoredToolkit
let changed: string[]

beforeEach(async () => {
  store = await openSqliteStore({ folder: await temporaryFolder(), serve: true, logger: silentLogger })
  const { id: projectId } = await store.projects.ensure('default', 1)
  const { id: otherId } = await store.projects.ensure('other', 1)
  toolkit = await store.toolkits.ensure(projectId, 'shop', 1)
  await store.toolkits.ensure(otherId, 'foreign', 1)
  const bus = createMemoryBus(silentLogger)
  changed = []
  await bus.subscribe('toolkit.changed', ({ toolkitId }) => changed.push(toolkitId))
  app = createHttpApp({
    limits: defaultLimits,
    newId: () => 'id-1',
    checkOrigin: () => {},
    authenticate: async () => ({ ...makeCall().call.key, projectId }),
    logger: silentLogger,
  })
  registerEndpointHttp(app, { store, bus, dev: true })
})
afterEach(async () => {
  await app.close()
  await store.close()
})

const put = (name: string, body: unknown) =>
  app.inject({ method: 'PUT', url: `/api/v2/toolkits/${name}/endpoint`, payload: body as object })

describe('PUT /api/v2/toolkits/:id/endpoint', () => {
  it('sets the URL, says so on the bus, and takes it away again', async () => {
    const url = 'https://example.com/api?code=1'
    const answer = await put('shop', { url })
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      { id: toolkit.id, name: 'shop', slug: 'shop', endpoint_url: url },
    ])
    expect((await store.toolkits.find(toolkit.projectId, toolkit.id))?.endpointUrl).toBe(url)
    expect((await put(toolkit.id, { url: 'http://127.0.0.1:3000' })).statusCode).toBe(200)
    expect((await put('shop', { url: null })).json()).toMatchObject({ endpoint_url: null })
    expect((await store.toolkits.find(toolkit.projectId, toolkit.id))?.endpointUrl).toBeNull()
    expect(changed).toEqual([toolkit.id, toolkit.id, toolkit.id])
  })

  it.each([
    [{ url: 'http://example.com' }, 'must be https'],
    [{ url: 'https://ada:secret@example.com' }, 'user name'],
    [{ url: '' }, 'is none'],
    [{ url: 5 }, 'url'],
    [{}, 'url'],
    [{ url: null, more: 1 }, 'more'],
    [[], 'cannot be read'],
  ])('refuses %j by name of what is wrong', async (body, text) => {
    const answer = await put('shop', body)
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({ code: 'invalid_request', detail: expect.stringContaining(text) })
    expect(changed).toEqual([])
  })

  it('knows toolkits of its own project only', async () => {
    for (const name of ['none', 'foreign']) {
      const answer = await put(name, { url: 'https://example.com' })
      expect([answer.statusCode, answer.json().code]).toEqual([404, 'toolkit_not_found'])
    }
  })
})
