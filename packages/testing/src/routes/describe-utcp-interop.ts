import { register } from '@utcp/http'
import { UtcpClient, UtcpClientConfigSerializer } from '@utcp/sdk'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { contractKeys } from './fixtures/contract-keys.ts'
import { trickyToolkits, trickyTools } from './fixtures/tricky.ts'
import { get, urlOf } from './http-client.ts'
import type { RoutesHost } from './route-behaviour.ts'

/**
 * The published UTCP packages find and call the tools of a host by nothing but its manuals.
 * Obligation: the host listens on `localhost` or `127.0.0.1`; from elsewhere those packages take https only.
 */
export function describeUtcpInterop(name: string, start: () => Promise<RoutesHost>): void {
  describe(`@utcp/sdk and @utcp/http on ${name}`, () => {
    let host: RoutesHost
    beforeAll(async () => {
      register(true)
      host = await start()
    })
    afterAll(() => host?.close())
    // The packages tell every step and every failure on the console.
    beforeEach(() => {
      for (const level of ['log', 'warn', 'error'] as const) vi.spyOn(console, level).mockReturnValue()
    })
    afterEach(() => {
      vi.restoreAllMocks()
    })

    it('find every tool of a public mount, with its schemas', async () => {
      const client = await discover(host, '/public')
      const { tools } = (await get(host, '/public/utcp')).json as { tools: { name: string }[] }
      const found = await client.getTools()
      expect(found.map((tool) => tool.name)).toEqual(tools.map((tool) => `app.${tool.name}`))
      const quote = found.find((tool) => tool.name === 'app.shop.quote')
      expect(quote?.inputs.properties?.body).toMatchObject({
        required: ['sku'],
        properties: { sku: { type: 'string' } },
      })
    })

    it('call tools of a public mount, recursive schemas included', async () => {
      const client = await discover(host, '/public')
      expect(await client.callTool('app.shop.find_products', { body: { query: 'desk' } })).toEqual({
        result: { products: [{ sku: 'lamp-1', name: 'Desk lamp', price: 39.5 }] },
      })
      const root = { label: 'a', children: [{ label: 'b' }, { label: 'c', children: [{ label: 'd' }] }] }
      expect(await client.callTool('app.trees.count_nodes', { body: { root } })).toEqual({ result: { count: 4 } })
      expect(await client.callTool('app.probe.context', { body: {} })).toMatchObject({ result: { principal: null } })
    })

    it('are refused with the status of the routes', async () => {
      const client = await discover(host, '/public')
      await expect(client.callTool('app.shop.quote', { body: {} })).rejects.toMatchObject({
        response: { status: 400, data: { code: 'missing_params' } },
      })
    })

    it('call tools of a closed mount with the key in their variables, and not without it', async () => {
      const client = await discover(host, '/keys', { app_ATP_API_KEY: contractKeys.first })
      expect(await client.callTool('app.shop.quote', { body: { sku: 'x' } })).toEqual({ result: { sku: 'x' } })
      const wrong = await discover(host, '/keys', { app_ATP_API_KEY: 'wrong' })
      await expect(wrong.callTool('app.shop.quote', { body: { sku: 'x' } })).rejects.toMatchObject({
        response: { status: 401 },
      })
      const none = await discover(host, '/keys')
      await expect(none.callTool('app.shop.quote', { body: { sku: 'x' } })).rejects.toThrow('app_ATP_API_KEY')
    })

    it("send the end user's token from their variables to a tool that needs one", async () => {
      const client = await discover(host, '/keys', {
        app_ATP_API_KEY: contractKeys.second,
        app_HUBSPOT_AUTH_TOKEN: 'token-of-hubspot',
        app_GOOGLE_DRIVE_AUTH_TOKEN: 'token-of-drive',
      })
      expect(await client.callTool('app.contacts.create_contact', { body: { email: 'a@b.c' } })).toEqual({
        result: { args: { email: 'a@b.c', auth_token: 'token-of-hubspot' }, token: 'token-of-hubspot' },
      })
      expect(await client.callTool('app.contacts.share_card', { body: {} })).toMatchObject({
        result: { token: 'token-of-drive' },
      })
    })

    it('find and call tools with unusual names', async () => {
      const client = await discover(host, '/tricky')
      const found = await client.getTools()
      expect(found).toHaveLength(trickyToolkits.length * trickyTools.length)
      const called = await Promise.all(found.map((tool) => client.callTool(tool.name, { body: {} })))
      expect(called.map(({ result }) => result.appName)).toEqual(
        trickyToolkits.flatMap((appName) => trickyTools.map(() => appName)),
      )
    })
  })
}

/** A client that knows nothing but the address of a manual, and variables. */
async function discover(host: RoutesHost, mount: string, variables: Record<string, string> = {}): Promise<UtcpClient> {
  const config = new UtcpClientConfigSerializer().validateDict({ variables })
  const client = await UtcpClient.create(process.cwd(), config)
  const url = urlOf(host, `${mount}/utcp`)
  const { success, errors } = await client.registerManual({
    name: 'app',
    call_template_type: 'http',
    url,
    http_method: 'GET',
  })
  expect({ success, errors }).toEqual({ success: true, errors: [] })
  return client
}
