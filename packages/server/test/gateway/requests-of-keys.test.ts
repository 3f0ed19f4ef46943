import { describe, expect, it } from 'vitest'
import { inboxPeer } from '../support/inbox-peer.ts'
import { wireTool } from '../support/raw-peer.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

/* Rule K5, for requests that are held. */

function admin(server: TestServer, path: string, method: string, body?: object): Promise<Response> {
  const headers = { authorization: `Bearer ${server.keys.adminKey}`, 'content-type': 'application/json' }
  const init = { method, headers: body === undefined ? { authorization: headers.authorization } : headers }
  return fetch(`${server.url}/api/v2/keys${path}`, { ...init, body: body === undefined ? null : JSON.stringify(body) })
}

describe('a key that is revoked', () => {
  it('ends the poll of its toolkit, which gets no call any more', async () => {
    await using server = await startTestServer()
    const revoked = await server.server.createKey({ kind: 'toolkit', name: 'mail' })
    const peer = await inboxPeer(server, 'mail', [wireTool('work')], revoked.key)
    const other = await server.server.createKey({ kind: 'toolkit', name: 'mail' })
    const newer = await inboxPeer(server, 'mail', [wireTool('work')], other.key)
    const held = peer.poll().catch(() => [])
    const kept = newer.poll()
    // Both polls are held once an answer to a later request is there.
    await peer.frames()
    await admin(server, `/${revoked.id}`, 'DELETE')
    expect(await held).toEqual([])
    void server
      .llm()
      .call({ toolkitId: 'mail', tool: 'work', params: { n: 1 } })
      .catch(() => {})
    expect(await kept).toMatchObject([{ type: 'call', params: { n: 1 } }])
    await expect(peer.poll()).rejects.toThrow('unauthorized')
  })

  it('ends what its caller waits for over HTTP, and cancels the call', async () => {
    await using server = await startTestServer()
    const { id, key } = await server.server.createKey({ kind: 'llm', name: 'app' })
    const toolkit = await server.toolkit({ appName: 'slow' })
    const [began, cancelled] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    toolkit.registerTool({ name: 'wait', description: '' }, (_args, { signal }) => {
      signal.addEventListener('abort', () => cancelled.resolve())
      began.resolve()
      return cancelled.promise
    })
    await toolkit.start()
    const llm = server.llm({ apiKey: key, protocol: 'http' })
    const outcome = llm.call({ toolkitId: 'slow', tool: 'wait' }).catch((error: unknown) => error)
    await began.promise
    await admin(server, `/${id}`, 'DELETE')
    await cancelled.promise
    expect(await outcome).toMatchObject({ name: 'AtpError' })
  })

  it('is told of to whoever revokes it with itself', async () => {
    await using server = await startTestServer()
    const own = await server.server.createKey({ kind: 'admin', name: 'mine' })
    const headers = { authorization: `Bearer ${own.key}` }
    const answer = await fetch(`${server.url}/api/v2/keys/${own.id}`, { method: 'DELETE', headers })
    expect(answer.status).toBe(200)
    expect((await fetch(`${server.url}/api/v2/keys`, { headers })).status).toBe(401)
  })
})

it('a key that expires ends the poll of its toolkit', async () => {
  await using server = await startTestServer()
  const made = await admin(server, '', 'POST', { kind: 'toolkit', name: 'mail', expires_at: Date.now() + 3_000 })
  const { key } = (await made.json()) as { key: string }
  const peer = await inboxPeer(server, 'mail', [wireTool('work')], key)
  await expect(peer.poll()).rejects.toBeInstanceOf(TypeError)
  await expect(peer.poll()).rejects.toThrow('unauthorized')
})
