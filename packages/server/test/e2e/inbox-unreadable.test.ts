import { describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../support/test-server.ts'

/* Our own client over HTTP, with something on the way that spoils or loses what the server answers. */

const limits = { leaseMs: 500, inboxOnlineMs: 60_000 }

/** A toolkit with the tool `work`, whose answered polls go through `spoil`; returns how often the tool ran. */
async function polling(server: TestServer, spoil: (text: string) => string): Promise<() => number> {
  let runs = 0
  const toolkit = await server.toolkit({
    appName: 'mail',
    protocol: 'http',
    fetch: async (url, init) => {
      const response = await fetch(url, init)
      if (!String(url).endsWith('/poll')) return response
      const { status } = response
      return new Response(spoil(await response.text()), { status })
    },
  })
  toolkit.registerTool({ name: 'work', description: 'Works', params: ['n'] }, ({ n }) => {
    runs += 1
    return n
  })
  await toolkit.start()
  return () => runs
}

describe('a call from the inbox', () => {
  it('that the toolkit cannot read ends with what the toolkit says of it, at once', async () => {
    await using server = await startTestServer({ limits })
    const runs = await polling(server, (text) => text.replace('"tool":"work"', '"tool":7'))
    const startedAt = performance.now()
    const outcome = await server
      .llm()
      .call({ toolkitId: 'mail', tool: 'work', params: { n: 1 } })
      .catch((error: unknown) => error)
    expect(outcome).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('tool') })
    expect(performance.now() - startedAt).toBeLessThan(5 * limits.leaseMs)
    expect(runs()).toBe(0)
    const { calls } = (await (
      await fetch(`${server.url}/api/v2/calls/dead`, { headers: { authorization: `Bearer ${server.keys.adminKey}` } })
    ).json()) as { calls: unknown[] }
    expect(calls).toEqual([])
  })

  it('that is lost with the answer of a poll is handed out again, and runs once', async () => {
    await using server = await startTestServer({ limits })
    let lost = 0
    const runs = await polling(server, (text) => {
      if (lost > 0 || !text.includes('"call"')) return text
      lost += 1
      throw new TypeError('the connection was cut')
    })
    await expect(server.llm().call({ toolkitId: 'mail', tool: 'work', params: { n: 7 } })).resolves.toBe(7)
    expect([lost, runs()]).toEqual([1, 1])
  })
})
