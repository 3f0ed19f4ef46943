import { afterEach, describe, expect, it } from 'vitest'
import type { BenchRow } from '../../src/bench-row.ts'
import { Children } from '../../src/children/children.ts'
import { echoKey, echoPath, maxBodyBytes } from '../../src/load/echo-route.ts'
import { row as express } from '../../src/rows/express.ts'
import { row as fastify } from '../../src/rows/fastify.ts'
import { row as hono } from '../../src/rows/hono.ts'
import { row as nest } from '../../src/rows/nest.ts'

const children = new Children()
afterEach(() => children.stopAll())

describe('the rows of the adapters', () => {
  const rows: [id: string, row: BenchRow, frameworks: string[]][] = [
    ['express', express, ['express']],
    ['fastify', fastify, ['fastify']],
    ['hono', hono, ['hono']],
    ['nest', nest, ['nest', 'nest-on-fastify']],
  ]

  it.each(rows)('%s holds our route against the one by hand and the bare one', { timeout: 120_000 }, async (...row) => {
    const [id, { run }, frameworks] = row
    const results = await run({ seconds: 0.2, runs: 1, children, progress: () => {} })
    expect(results.map(({ what, unit, budget }) => [what, unit, budget])).toEqual(
      frameworks.flatMap((framework) => [
        [`POST, c=64, ${framework}, beside the route by hand`, 'calls/s', '>= 0.85'],
        [`POST, c=64, ${framework}, beside the bare route`, 'calls/s', null],
      ]),
    )
    for (const result of results) {
      expect(result.id).toBe(id)
      expect(result.ours).toBeGreaterThan(0)
      expect(result.peer).toBeGreaterThan(0)
      expect(result.serverCpu?.ours).toBeGreaterThan(0)
      expect(result.serverCpu?.peer).toBeGreaterThan(0)
    }
    const named = results.flatMap(({ notes }) => notes.map((note) => note.split(':')[0]))
    expect(named).toEqual(
      frameworks.flatMap((framework) => ['ours', 'hand', 'bare'].map((kind) => `c=64 ${framework} ${kind}`)),
    )
  })
})

describe('the route by hand of Hono', () => {
  it.each([
    ['takes', 200, '{"text":"hello","n":1}'],
    ['refuses above the limit', 413, JSON.stringify({ text: 'x'.repeat(maxBodyBytes), n: 1 })],
  ])('%s a body that comes without a length', async (_what, status, body) => {
    const server = await children.start('hono-server', { data: { kind: 'hand' } })
    const { port } = server.started as { port: number }
    const answer = await fetch(`http://127.0.0.1:${port}${echoPath}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${echoKey}`, 'content-type': 'application/json' },
      body: new Blob([body]).stream(),
      duplex: 'half',
    } as RequestInit)
    await answer.arrayBuffer()
    expect(answer.status).toBe(status)
  })
})
