import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { type InboxPeer, inboxPeer } from '../support/inbox-peer.ts'
import { wireTool } from '../support/raw-peer.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

const limits = { leaseMs: 50, inboxOnlineMs: 60_000 }

/** Leaves a call in the inbox until it is a dead letter. Returns its id. */
async function deadLetter(server: TestServer, peer: InboxPeer): Promise<string> {
  const { callId } = await server.llm().call({ toolkitId: 'mail', tool: 'work', params: { n: 5 }, detach: true })
  for (let delivery = 1; delivery <= 5; delivery += 1) await peer.poll()
  await expect.poll(async () => (await find(server, callId)).state).toBe('dead')
  return callId
}

async function admin(server: TestServer, path: string, method = 'GET'): Promise<[number, Record<string, unknown>]> {
  const headers = { authorization: `Bearer ${server.keys.adminKey}` }
  const answer = await fetch(`${server.url}/api/v2/calls/${path}`, { method, headers })
  return [answer.status, (await answer.json()) as Record<string, unknown>]
}

async function find(server: TestServer, callId: string): Promise<Record<string, unknown>> {
  return (await admin(server, callId))[1]
}

/** Runs SQL on the database of a server. */
function query(dataDir: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(join(dataDir, 'atp.sqlite'))
  try {
    return database.prepare(sql).all()
  } finally {
    database.close()
  }
}

const idsOfCalls = 'select id from durable_calls order by id'

describe('a dead letter', () => {
  it('that two operators retry at once is one call, whose id both are told', async () => {
    await using server = await startTestServer({ limits })
    const peer = await inboxPeer(server, 'mail', [wireTool('work')])
    const id = await deadLetter(server, peer)
    const answers = await Promise.all([1, 2].map(() => admin(server, `dead/${id}/retry`, 'POST')))
    const { retried_as } = await find(server, id)
    expect(query(server.dataDir, idsOfCalls)).toEqual([{ id }, { id: retried_as }])
    for (const answer of answers) expect(JSON.stringify(answer)).toContain(retried_as)
  })

  it('is the same call when it is retried again days after a server that ended before it noted the call', async () => {
    const before = await startTestServer({ limits, keepData: true })
    const { dataDir } = before
    const { key, id, retried } = await (async () => {
      await using server = before
      const peer = await inboxPeer(server, 'mail', [wireTool('work')])
      const letter = await deadLetter(server, peer)
      return { key: peer.key, id: letter, retried: await admin(server, `dead/${letter}/retry`, 'POST') }
    })()
    const callId = retried[1].call_id
    expect(retried).toEqual([202, { call_id: expect.any(String) }])
    query(dataDir, 'update durable_calls set retried_as = null')
    query(dataDir, `update idempotency_claims set expires_at = expires_at - ${6 * 86_400_000}`)

    await using server = await startTestServer({ dataDir })
    const peer = await inboxPeer(server, 'mail', [wireTool('work')], key)
    expect(await find(server, id)).toMatchObject({ retried_as: null })
    expect(await admin(server, `dead/${id}/retry`, 'POST')).toEqual(retried)
    expect(query(dataDir, idsOfCalls)).toEqual([{ id }, { id: callId }])
    expect(await find(server, id)).toMatchObject({ retried_as: callId })
    expect(await peer.poll()).toMatchObject([{ request_id: callId, params: { n: 5 } }])
    const detail = expect.stringContaining(`as "${callId}"`)
    expect(await admin(server, `dead/${id}/retry`, 'POST')).toEqual([409, expect.objectContaining({ detail })])
  })
})
