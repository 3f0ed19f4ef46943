import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createFetchHandler, invokeTool, Toolkit } from '@atp/core'
import { createManual, toolkitFromManual, UtcpClient } from '@atp/utcp'
import { http } from '@atp/utcp-http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'

const key = `atp_toolkit_${'k'.repeat(30)}`
let baseUrl: string
const server = createServer(async (request, response) => {
  const { method = 'GET', headers } = request
  const body = method === 'GET' ? null : await text(request)
  const answer = await handle(
    new Request(`${baseUrl}${request.url}`, { method, headers: headers as HeadersInit, body }),
  )
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
})

const shop = new Toolkit({ appName: 'shop' })
shop.registerTool(
  {
    name: 'cancel',
    description: 'Cancels an order',
    params: z.object({ id: z.int(), reason: z.string().optional() }),
    output: z.object({ cancelled: z.int() }),
    tags: ['orders'],
  },
  ({ id }) => ({ cancelled: id }),
)
shop.registerTool(
  { name: 'whoami', description: 'Needs a token', auth: { provider: 'hub', type: 'OAuth2' } },
  (_args, context) => ({
    token: context.authToken,
  }),
)
const handle = createFetchHandler(shop, { authorize: { keys: [key] } })

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => void server.close())

function clientOf(variables: Record<string, string>): Promise<UtcpClient> {
  const manual = { name: 'shop', call_template_type: 'http', url: `${baseUrl}/utcp` }
  return UtcpClient.create({ variables, manual_call_templates: [manual] }, { protocols: [http()], environment: {} })
}

describe('the manual that routes of ATP serve', () => {
  it('is what createManual writes, for the same address', async () => {
    const served: unknown = await (await fetch(`${baseUrl}/utcp`)).json()
    expect(served).toEqual(createManual(shop, { baseUrl }))
  })

  it('loads in our client, which can call its tools with the key and the token of their user', async () => {
    await using client = await clientOf({ shop_ATP_API_KEY: key, shop_HUB_AUTH_TOKEN: 'of the user' })
    const [registered] = client.initialRegistrations
    expect([registered?.success, registered?.warnings]).toEqual([true, []])
    expect(await client.getRequiredVariablesForRegisteredTool('shop.whoami')).toEqual(
      expect.arrayContaining(['shop_ATP_API_KEY', 'shop_HUB_AUTH_TOKEN']),
    )
    expect(await client.callTool('shop.cancel', { body: { id: 7 } })).toEqual({ result: { cancelled: 7 } })
    expect(await client.callTool('shop.whoami', { body: {} })).toEqual({ result: { token: 'of the user' } })
    const [found] = await client.searchTools('cancel an order', 1)
    expect(found?.name).toBe('shop.cancel')
  })

  it('says what is wrong: arguments before they are sent, keys after', async () => {
    await using client = await clientOf({ shop_ATP_API_KEY: 'wrong', shop_HUB_AUTH_TOKEN: 'x' })
    await expect(client.callTool('shop.cancel', { body: { id: 'x' } })).rejects.toMatchObject({
      code: 'invalid_arguments',
    })
    const refused = client.callTool('shop.cancel', { body: { id: 7 } })
    await expect(refused).rejects.toMatchObject({ code: 'http_error', status: 401, retryable: false })
  })

  it('comes back as a toolkit', async () => {
    await using client = await clientOf({ shop_ATP_API_KEY: key, shop_HUB_AUTH_TOKEN: 'x' })
    const toolkit = await toolkitFromManual(client, 'shop')
    const cancel = toolkit.registeredTools.get('cancel')
    expect(cancel).toMatchObject({
      description: 'Cancels an order',
      tags: ['orders'],
      annotations: { readOnly: false },
    })
    if (cancel === undefined) throw new Error('no tool')
    const outcome = await invokeTool(cancel, { body: { id: 7 } }, { callId: 'c' })
    expect(outcome).toEqual({ ok: true, json: '{"result":{"cancelled":7}}' })
  })
})
