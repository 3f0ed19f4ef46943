import { silentLogger } from '@atp/core'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openPostgresStore } from '../../src/store/postgres.ts'
import { connectTo, describePostgres, emptySchema, throughPort } from '../support/postgres.ts'
import { connectRawPeer } from '../support/raw-peer.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'
import { type Attempt, durable, live, missingIds, type OutageLoad, startLoad } from './outage-load.ts'

/** How long the database is gone: rule N8 holds for any time. With `ATP_TEST_OUTAGE_MS=30000` figures are printed. */
const outageMs = Number(process.env.ATP_TEST_OUTAGE_MS ?? 1_500)
const patience = { timeout: outageMs + 60_000 }

async function proxyTo(url: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(url)
  const proxy = await startTcpProxy({ host: hostname, port: Number(port || 5432) })
  onTestFinished(() => proxy[Symbol.asyncDispose]())
  return proxy
}

/** A server behind a proxy, with the toolkit that the load calls. */
async function serverBehind(proxy: TcpProxy, direct: string): Promise<TestServer> {
  const server = await startTestServer({ databaseUrl: throughPort(direct, proxy.port) })
  const toolkit = await server.toolkit({ appName: 'steady' })
  toolkit.registerTool({ name: 'ping', description: 'Answers' }, () => 'pong')
  await toolkit.start()
  return server
}

function longest(attempts: readonly Attempt[]): number {
  return Math.round(Math.max(0, ...attempts.map(({ startedAt, endedAt }) => endedAt - startedAt)))
}

/** Resolves when each kind of attempt ended `count` times with the outcome, counted from a time on. */
async function eachEnds(load: OutageLoad, since: number, outcome: string, count: number): Promise<void> {
  await vi.waitFor(
    () => {
      for (const what of durable) {
        const seen = load.attempts.filter((one) => one.what === what && one.startedAt >= since)
        expect(seen.filter((one) => one.outcome === outcome).length, what).toBeGreaterThanOrEqual(count)
      }
    },
    { timeout: 20_000, interval: 20 },
  )
}

describePostgres('a database that is gone', () => {
  it.each(['refuses', 'hangs'] as const)(
    'while it %s, all that needs it fails within 2 s, calls go on, and all is well within 5 s of its return',
    patience,
    async (how) => {
      const direct = emptySchema()
      const proxy = await proxyTo(direct)
      await using server = await serverBehind(proxy, direct)
      const load = await startLoad(server)
      await eachEnds(load, 0, 'ok', 3)

      const goneAt = performance.now()
      if (how === 'refuses') await proxy.refuse()
      else proxy.hang()
      await eachEnds(load, goneAt, '503 store_unavailable', 2)
      expect((await fetch(`${server.url}/readyz`)).status).toBe(503)
      expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
      await new Promise((done) => setTimeout(done, Math.max(0, outageMs - (performance.now() - goneAt))))
      const backAt = performance.now()
      await proxy.pass()
      await eachEnds(load, backAt, 'ok', 3)
      expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
      await load.stop()

      const { attempts } = load
      const during = attempts.filter(({ startedAt, endedAt }) => endedAt > goneAt && startedAt < backAt)
      const refused = during.filter(({ what, outcome }) => what !== live && outcome !== 'ok')
      expect(new Set(refused.map(({ outcome }) => outcome))).toEqual(new Set(['503 store_unavailable']))
      expect(longest(refused)).toBeLessThan(2_000 + load.heldUpMs)
      const recovered = durable.map((what) => {
        const last = attempts.findLast((one) => one.what === what && one.outcome !== 'ok')
        return attempts.find((one) => one.what === what && one.startedAt > (last?.startedAt ?? 0))?.endedAt ?? Infinity
      })
      expect(Math.max(...recovered) - backAt).toBeLessThan(5_000)
      const calls = attempts.filter(({ what }) => what === live)
      expect(calls.filter(({ outcome }) => outcome !== 'ok')).toEqual([])
      expect(longest(calls)).toBeLessThan(2_000 + load.heldUpMs)
      expect(during.filter(({ what }) => what === live).length).toBeGreaterThan(outageMs / 200)
      if (process.env.ATP_TEST_OUTAGE_MS) {
        const figures = {
          how,
          outageMs: Math.round(backAt - goneAt),
          refused: refused.length,
          slowestRefusalMs: longest(refused),
          recoveredAfterMs: Math.round(Math.max(...recovered) - backAt),
          callsDuring: during.filter(({ what }) => what === live).length,
          slowestCallMs: longest(calls),
          heldUpMs: Math.round(load.heldUpMs),
        }
        process.stdout.write(`${JSON.stringify(figures)}\n`)
      }

      // Nothing acknowledged is lost, and the log has the calls of the outage, too.
      const client = await connectTo(direct)
      expect(await missingIds(client, 'keys', load.keyIds)).toEqual([])
      await vi.waitFor(async () => expect(await missingIds(client, 'calls', load.callIds)).toEqual([]))
    },
  )

  it('is no fault of a client that shows its key in hello: it is told to come again later', patience, async () => {
    const direct = emptySchema()
    const proxy = await proxyTo(direct)
    await using server = await serverBehind(proxy, direct)
    await proxy.refuse()
    await using peer = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', hello: false })
    peer.send({ type: 'hello', protocol: 2, capabilities: [], instance_id: 'raw', api_key: server.keys.llmKey })
    expect(await peer.next(({ type }) => type === 'error')).toMatchObject({ error: { code: 'store_unavailable' } })
    expect(await peer.closed).toBe(1013)
  })

  it('costs a moment only when its connections are cut, however often', patience, async () => {
    const direct = emptySchema()
    const proxy = await proxyTo(direct)
    await using server = await serverBehind(proxy, direct)
    const load = await startLoad(server)
    for (let round = 0; round < 5; round += 1) {
      await eachEnds(load, performance.now(), 'ok', 1)
      proxy.cut()
    }
    const cutAt = performance.now()
    await eachEnds(load, cutAt, 'ok', 3)
    await load.stop()
    const outcomes = new Set(load.attempts.map(({ outcome }) => outcome))
    outcomes.delete('503 store_unavailable')
    expect(outcomes).toEqual(new Set(['ok']))
    expect(longest(load.attempts)).toBeLessThan(2_000 + load.heldUpMs)
    expect(await missingIds(await connectTo(direct), 'keys', load.keyIds)).toEqual([])
  })

  it(
    'and that another server took over meanwhile ends the first one, and sends its clients away',
    patience,
    async () => {
      const direct = emptySchema()
      const proxy = await proxyTo(direct)
      await using first = await serverBehind(proxy, direct)
      await using peer = await connectRawPeer({ url: first.url, path: '/ws/v2/llm', key: first.keys.llmKey })
      await proxy.refuse()
      await using second = await startTestServer({ databaseUrl: direct })
      await proxy.pass()
      expect(await first.server.ended).toMatchObject({
        code: 'database_in_use',
        message: expect.stringContaining('Another ATP server uses the database'),
      })
      expect(await peer.closed).toBe(1012)
      await expect(fetch(`${first.url}/healthz`)).rejects.toThrow()
      expect((await fetch(`${second.url}/readyz`)).status).toBe(200)
    },
  )

  it('keeps nobody from ending the server', patience, async () => {
    const direct = emptySchema()
    const proxy = await proxyTo(direct)
    const server = await serverBehind(proxy, direct)
    proxy.hang()
    const startedAt = performance.now()
    await server[Symbol.asyncDispose]()
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    expect(await server.server.ended).toBeUndefined()
    // The lock went with the process's connections as far as the database knows, or goes when it is asked for.
    const store = await openPostgresStore({ url: direct, serve: false, logger: silentLogger })
    await store.close()
  })
})
