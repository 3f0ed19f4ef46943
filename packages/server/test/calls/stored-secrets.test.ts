import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { silentLogger } from '@atp/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { StoredCalls } from '../../src/calls/stored-calls.ts'
import type { NewStoredCall, StoredCall } from '../../src/store/durable-store.ts'
import type { DurableWriter } from '../../src/store/grouped-durable-store.ts'
import type { CallSeal } from '../../src/vault/call-seal.ts'
import { inboxPeer } from '../support/inbox-peer.ts'
import { makeCall } from '../support/make-call.ts'
import { wireTool } from '../support/raw-peer.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

/** All that a server keeps in its folder, but for the keys that a development server writes in clear. */
async function stored(server: TestServer): Promise<Buffer> {
  const names = (await readdir(server.dataDir)).filter((name) => /sqlite/.test(name))
  expect(names).toContain('atp.sqlite')
  return Buffer.concat(await Promise.all(names.map((name) => readFile(join(server.dataDir, name)))))
}

const withAuth = { auth_provider: 'mail', auth_type: 'oauth2', auth_with: 'access_token' }

describe('a stored call', () => {
  it('leaves nothing in clear of what it asks, of its user and token, its idempotency key and its outcome', async () => {
    await using server = await startTestServer()
    const peer = await inboxPeer(server, 'in-clear', [wireTool('work', withAuth)])
    const outcome = server.llm({ protocol: 'http' }).call({
      ...{ toolkitId: 'in-clear', tool: 'work', params: { text: 'canary-of-params' } },
      ...{ authToken: 'canary-of-token', idempotencyKey: 'canary-of-key', externalUserId: 'canary-of-user' },
    })
    const [call] = await peer.poll()
    expect(call).toMatchObject({ params: { text: 'canary-of-params' }, auth_token: 'canary-of-token' })
    const waiting = await stored(server)
    await peer.ack(call)
    await peer.result(call, 'canary-of-outcome')
    expect(await outcome).toBe('canary-of-outcome')
    for (const bytes of [waiting, await stored(server)]) {
      // The search finds what is there.
      expect(bytes.includes('in-clear')).toBe(true)
      for (const part of ['params', 'token', 'key', 'user', 'outcome'])
        expect(bytes.includes(`canary-of-${part}`)).toBe(false)
    }
  })

  it.each([null, { provider: 'mail', type: 'oauth2', with: 'access_token' }])(
    'has its token only where its tool declares auth: %j',
    async (auth) => {
      let sealed = ''
      const seal = {
        seal: async (_place: unknown, bytes: Uint8Array) => {
          sealed = Buffer.from(bytes).toString()
          return { dataKeyId: 'key', sealed: 'sealed' }
        },
      } as unknown as CallSeal
      const rows: StoredCall[] = []
      const insert = async (call: StoredCall, _claim?: NewStoredCall['claim']) => {
        rows.push(call)
        return { inserted: true } as const
      }
      const calls = new StoredCalls({ writer: { insert } as unknown as DurableWriter, seal, logger: silentLogger })
      onTestFinished(() => calls.stop())
      const { call } = makeCall({
        tool: { name: 'tool', description: '', inputSchema: { type: 'object' }, auth, annotations: {}, tags: [] },
        authToken: 'canary-of-token',
      })
      await calls.insert(call, 'inbox')
      expect(sealed.includes('canary-of-token')).toBe(auth !== null)
      expect(JSON.stringify(rows)).not.toContain('canary-of-token')
    },
  )

  it('brings its token to a toolkit that polls only where its tool declares auth', async () => {
    await using server = await startTestServer()
    const peer = await inboxPeer(server, 'mail', [wireTool('open'), wireTool('closed', withAuth)])
    const llm = server.llm()
    for (const [tool, token] of [
      ['open', undefined],
      ['closed', 'canary-of-token'],
    ] as const) {
      const outcome = llm.call({ toolkitId: 'mail', tool, params: { a: 1 }, authToken: 'canary-of-token' })
      const [call] = await peer.poll()
      expect(call).toMatchObject({ tool, params: { a: 1 } })
      expect([call?.auth_token, JSON.stringify(call?.params)]).toEqual([token, '{"a":1}'])
      await peer.ack(call)
      await peer.result(call, null)
      await outcome
    }
  })
})
