import { randomUUID } from 'node:crypto'
import { silentLogger } from '@atp/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKeyService } from '../../src/keys/key-service.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { connectRawPeer, type RawPeer, wireTool } from '../support/raw-peer.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

/* Two projects on one server. Whatever one of them asks about the other is answered as if it were not there. */

let server: TestServer
let toolkit: RawPeer
/** What belongs to the other project. */
let theirs: { toolkitId: string; keyId: string; callId: string; llmKey: string; adminKey: string }

beforeAll(async () => {
  server = await startTestServer()
  const store = await openSqliteStore({ folder: server.dataDir, serve: false, logger: silentLogger })
  const { id: projectId } = await store.projects.ensure('theirs', Date.now())
  const keys = createKeyService({ store })
  const [toolkitKey, llm, admin, spare] = [
    await keys.create({ projectId, kind: 'toolkit', name: 'their tools' }),
    await keys.create({ projectId, kind: 'llm' }),
    await keys.create({ projectId, kind: 'admin' }),
    // One to be revoked.
    await keys.create({ projectId, kind: 'llm' }),
  ]
  await store.close()
  toolkit = await connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key: toolkitKey.key })
  toolkit.send({ type: 'register', request_id: 'r', toolkit_hash: 'h', tools: [wireTool('secret_tool')] })
  const { toolkit_id: toolkitId } = await toolkit.next(({ type }) => type === 'registered')
  const call = server.llm({ apiKey: llm.key }).call({ toolkitId: 'their tools', tool: 'secret_tool' })
  const { request_id } = await toolkit.next(({ type }) => type === 'call')
  toolkit.send({ type: 'result', request_id, ok: true, result: 1 })
  await call
  theirs = {
    toolkitId: String(toolkitId),
    keyId: spare.id,
    callId: String(request_id),
    llmKey: llm.key,
    adminKey: admin.key,
  }
})

afterAll(async () => {
  await toolkit[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

async function ask(path: string, method: string, key: string): Promise<{ status: number; body: string }> {
  const answer = await fetch(server.url + path, { method, headers: { authorization: `Bearer ${key}` } })
  return { status: answer.status, body: await answer.text() }
}

/** An answer without what differs between any two of them: the id that was asked for and the request's own. */
function shapeOf({ status, body }: { status: number; body: string }, id: string): unknown {
  const { request_id, ...rest } = JSON.parse(body.replaceAll(id, 'ID')) as Record<string, unknown>
  expect(request_id).toEqual(expect.any(String))
  return { status, ...rest }
}

describe('the admin routes', () => {
  it.each([
    ['a key', 'DELETE', (id: string) => `/api/v2/keys/${id}`, () => theirs.keyId],
    ['a toolkit', 'GET', (id: string) => `/api/v2/toolkits/${id}`, () => theirs.toolkitId],
    ['the tools of a toolkit', 'GET', (id: string) => `/api/v2/toolkits/${id}/tools`, () => theirs.toolkitId],
    ['the calls of a toolkit', 'GET', (id: string) => `/api/v2/calls?toolkit=${id}`, () => theirs.toolkitId],
    ['a call', 'GET', (id: string) => `/api/v2/calls/${id}`, () => theirs.callId],
  ])('answer for %s of another project as for one that is not there', async (_what, method, path, idOf) => {
    const [foreign, missing] = [idOf(), randomUUID()]
    const answer = await ask(path(foreign), method, server.keys.adminKey)
    expect(answer.status).toBe(404)
    expect(shapeOf(answer, foreign)).toEqual(shapeOf(await ask(path(missing), method, server.keys.adminKey), missing))
    // It is there for its own project, and still is.
    expect((await ask(path(foreign), method, theirs.adminKey)).status).toBe(200)
  })

  it.each(['keys', 'toolkits', 'calls'])('list no %s of another project', async (what) => {
    const [ours, others] = [
      await ask(`/api/v2/${what}`, 'GET', server.keys.adminKey),
      await ask(`/api/v2/${what}`, 'GET', theirs.adminKey),
    ]
    const own = { keys: theirs.keyId, toolkits: theirs.toolkitId, calls: theirs.callId }[what] ?? ''
    expect([ours.status, others.status]).toEqual([200, 200])
    expect(others.body).toContain(own)
    expect(ours.body).not.toContain(own)
    expect(ours.body).not.toContain('their tools')
  })
})

describe('a caller', () => {
  it.each(['ws', 'http'] as const)('finds no toolkit of another project by name or id, over %s', async (protocol) => {
    const llm = server.llm({ protocol })
    const missing = randomUUID()
    for (const toolkitId of ['their tools', 'their-tools', theirs.toolkitId, missing]) {
      const refusal = { code: 'toolkit_not_found', message: `There is no toolkit "${toolkitId}"` }
      await expect(llm.call({ toolkitId, tool: 'secret_tool' })).rejects.toMatchObject(refusal)
      await expect(llm.getToolkitContext({ toolkitId })).rejects.toMatchObject(refusal)
    }
    const context = await server
      .llm({ protocol, apiKey: theirs.llmKey })
      .getToolkitContext({ toolkitId: 'their tools' })
    expect(context).toMatchObject({ toolkitName: 'their tools' })
  })
})
