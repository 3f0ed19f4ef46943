import assert from 'node:assert/strict'
import { type Check, keys, type ServiceUnderTest } from './service-under-test.ts'

const tools = ['find_parts', 'list_orders', 'get_order', 'my_orders', 'pick_order', 'ship_order', 'cancel_order']
const paths = ['/atp/', '/atp', '/atp/orders/', '/atp/orders/get_order/', '/utcp', '/atp/openapi.json']

interface Manual {
  tools: { name: string; tool_call_template: { url: string; headers?: Record<string, string> } }[]
}

/** What the tools tell of themselves. */
export function metadataChecks(service: ServiceUnderTest): Check[] {
  const read = async (path: string): Promise<unknown> => (await service.send('GET', path, { bearer: keys.staff })).json
  return [
    [
      'all routes of the tools are for the staff: the guard of the app decides',
      async () => {
        for (const path of paths) {
          for (const method of ['GET', 'HEAD', 'OPTIONS']) {
            assert.equal((await service.send(method, path)).status, 401, `${method} ${path}`)
            assert.equal((await service.send(method, path, { bearer: keys.staff })).status, 200, `${method} ${path}`)
          }
        }
      },
    ],
    [
      'GET /atp/ and GET /atp/orders/ list the tools of both classes',
      async () => {
        assert.deepEqual(await read('/atp/'), { toolkits: [{ toolkit: 'orders', app_name: 'orders' }] })
        const { tools: listed } = (await read('/atp/orders/')) as { tools: { function: string }[] }
        assert.deepEqual(
          listed.map((tool) => tool.function),
          tools,
        )
      },
    ],
    [
      'GET /atp/orders/my_orders/ says whose token it needs',
      async () => {
        const tool = (await read('/atp/orders/my_orders/')) as Record<string, unknown>
        assert.deepEqual(
          [tool.auth_provider, tool.auth_type, tool.auth_with],
          ['cog_and_spoke', 'OAuth2', 'access_token'],
        )
      },
    ],
    [
      'GET /utcp is a manual whose tools point at their own routes',
      async () => {
        const manual = (await read('/utcp')) as Manual
        assert.deepEqual(
          manual.tools.map(({ name, tool_call_template }) => [name, tool_call_template.url]),
          tools.map((name) => [`orders.${name}`, `${service.url}/atp/orders/${name}/`]),
        )
      },
    ],
    [
      'GET /atp/openapi.json is an OpenAPI 3.1 document',
      async () => {
        const { openapi, info } = (await read('/atp/openapi.json')) as { openapi: string; info: { title: string } }
        assert.match(openapi, /^3\.1\./)
        assert.equal(info.title, 'Tools of Cog & Spoke')
      },
    ],
    [
      'unknown toolkits and tools are 404, other methods 405',
      async () => {
        const post = (path: string) => service.send('POST', path, { bearer: keys.staff, body: {} })
        assert.deepEqual(errorOf((await post('/atp/bikes/ride/')).json), ['toolkit_not_found', 'Toolkit not found'])
        assert.deepEqual(errorOf((await post('/atp/orders/ride/')).json), ['tool_not_found', 'Tool not found'])
        const { status, headers } = await service.send('DELETE', '/atp/orders/get_order/', { bearer: keys.staff })
        assert.equal(status, 405)
        assert.equal(headers.get('allow'), 'GET, HEAD, OPTIONS, POST')
      },
    ],
  ]
}

/** Code and text of an error. */
export function errorOf(json: unknown): [code: string, text: string] {
  const { code, error } = json as { code: string; error: string }
  return [code, error]
}
