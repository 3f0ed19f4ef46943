import { describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../support/test-server.ts'

async function endpointOf({ url, keys }: TestServer, toolkit: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${keys.adminKey}` }
  const answer = await fetch(`${url}/api/v2/toolkits/${toolkit}`, { headers })
  return ((await answer.json()) as { endpoint_url?: unknown }).endpoint_url
}

describe.each(['ws', 'http'] as const)('a toolkit that names its endpoint over %s', (protocol) => {
  it('sets it, changes it, leaves it and takes it away, though its tools are the same', async () => {
    await using server = await startTestServer()
    const { key: apiKey } = await server.server.createKey({ kind: 'toolkit', name: 'shop' })
    const told: (string | null | undefined)[] = ['https://a.example.com', 'https://b.example.com/?c=1', undefined, null]
    const kept: unknown[] = []
    for (const endpointUrl of told) {
      const named = endpointUrl === undefined ? {} : { endpointUrl }
      const client = await server.toolkit({ appName: 'shop', apiKey, protocol, ...named })
      client.registerTool({ name: 'find', description: 'Finds' }, () => 1)
      await client.start()
      await client.stop()
      kept.push(await endpointOf(server, 'shop'))
    }
    expect(kept).toEqual([told[0], told[1], told[1], null])
  })

  it('is refused with a URL that is none for a server', async () => {
    await using server = await startTestServer()
    const client = await server.toolkit({ appName: 'shop', protocol, endpointUrl: 'http://example.com' })
    await expect(client.start()).rejects.toMatchObject({
      code: 'registration_rejected',
      message: expect.stringContaining('must be https'),
    })
    expect(await endpointOf(server, 'shop')).toBeNull()
  })
})
