import { AtpError, type Logger, silentLogger } from '@atp/core'
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { createMemoryBus } from '../../src/bus/memory.ts'
import type { MessageBus } from '../../src/bus/message-bus.ts'
import { createKeyService } from '../../src/keys/key-service.ts'
import { watchRevocations } from '../../src/keys/revocation-watch.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { KeyStore, Store } from '../../src/store/store.ts'
import { temporaryFolder } from '../store/temporary-folder.ts'
import { connectRawPeer } from '../support/raw-peer.ts'
import { startTestServer } from '../support/test-server.ts'

interface Given {
  /** The server's own handle, and one as another process has it. */
  store: Store
  other: Store
  bus: MessageBus
  /** What was told on the bus. */
  told: unknown[]
  projectId: string
}

async function given(): Promise<Given> {
  const folder = await temporaryFolder()
  const open = (): Promise<Store> => openSqliteStore({ folder, serve: false, logger: silentLogger })
  const [store, other] = [await open(), await open()]
  onTestFinished(async () => void (await Promise.all([store.close(), other.close()])))
  const bus = createMemoryBus(silentLogger)
  const told: unknown[] = []
  await bus.subscribe('key.revoked', (message) => void told.push(message))
  return { store, other, bus, told, projectId: (await store.projects.ensure('ours', Date.now())).id }
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

it('tells of keys that another process revoked within five seconds, by their ids alone', async () => {
  const { store, other, bus, told, projectId } = await given()
  const keys = createKeyService({ store: other })
  const [first, second] = [await keys.create({ projectId, kind: 'llm' }), await keys.create({ projectId, kind: 'llm' })]
  const watch = watchRevocations({ keys: store.keys, bus, logger: silentLogger })
  onTestFinished(() => watch.stop())
  await vi.advanceTimersByTimeAsync(10_000)
  expect(told).toEqual([])
  await keys.revoke(projectId, second.id)
  await vi.advanceTimersByTimeAsync(5_000)
  await vi.waitFor(() => expect(told).toContainEqual({ keyId: second.id }))
  expect(told).not.toContainEqual({ keyId: first.id })
})

it('does not miss one that a process with a slow clock revoked', async () => {
  const { store, other, bus, told, projectId } = await given()
  const keys = createKeyService({ store: other })
  const { id } = await keys.create({ projectId, kind: 'toolkit' })
  const watch = watchRevocations({ keys: store.keys, bus, logger: silentLogger })
  onTestFinished(() => watch.stop())
  await vi.advanceTimersByTimeAsync(20_000)
  await createKeyService({ store: other, now: () => Date.now() - 4_000 }).revoke(projectId, id)
  await vi.advanceTimersByTimeAsync(2_000)
  await vi.waitFor(() => expect(told).toContainEqual({ keyId: id }))
})

it('tells of what it missed while the store could not be read, and says so', async () => {
  const { store, bus, told, projectId } = await given()
  const keys = createKeyService({ store })
  const { id } = await keys.create({ projectId, kind: 'llm' })
  const logged: [level: string, event: string][] = []
  const logger: Logger = {
    ...silentLogger,
    debug: (event) => void logged.push(['debug', event]),
    error: (event) => void logged.push(['error', event]),
  }
  const failures = [new AtpError('store_unavailable', 'The database is gone'), new Error('a disk that breaks')]
  const broken: KeyStore = {
    ...store.keys,
    revokedSince: async (since) => {
      const failure = failures.shift()
      if (failure) throw failure
      return store.keys.revokedSince(since)
    },
  }
  const watch = watchRevocations({ keys: broken, bus, logger })
  onTestFinished(() => watch.stop())
  await keys.revoke(projectId, id)
  await vi.advanceTimersByTimeAsync(60_000)
  await vi.waitFor(() => expect(told).toContainEqual({ keyId: id }))
  expect(logged).toEqual([
    ['debug', 'revocations.not_read'],
    ['error', 'revocations.not_read'],
  ])
})

it('looks no more once it was stopped', async () => {
  const { store, bus } = await given()
  watchRevocations({ keys: store.keys, bus, logger: silentLogger }).stop()
  expect(vi.getTimerCount()).toBe(0)
})

it('closes the sockets of a key that another process revokes in the data of a running server', async () => {
  vi.useRealTimers()
  await using server = await startTestServer()
  const { id, key } = await server.server.createKey({ kind: 'llm', name: 'revoked elsewhere' })
  await using peer = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', key })
  await using kept = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', key: server.keys.llmKey })
  const other = await openSqliteStore({ folder: server.dataDir, serve: false, logger: silentLogger })
  onTestFinished(() => other.close())
  const { id: projectId } = await other.projects.ensure('default', Date.now())
  await createKeyService({ store: other }).revoke(projectId, id)
  await expect(peer.closed).resolves.toBe(4401)
  await expect(connectRawPeer({ url: server.url, path: '/ws/v2/llm', key })).rejects.toMatchObject({ status: 401 })
  expect(kept.socket.readyState).toBe(kept.socket.OPEN)
})
