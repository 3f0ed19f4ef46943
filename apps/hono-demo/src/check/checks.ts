import assert from 'node:assert/strict'
import { type Client, readEvents } from './client.ts'
import { settings } from './host.ts'

/** One line of the check: what is true, and how that is seen. */
export type Check = readonly [sentence: string, run: (client: Client) => Promise<void>]

const publicUrl = settings.PUBLIC_URL

/** What must hold on every host. In this order: later ones use the links of earlier ones. */
export const checks: readonly Check[] = [
  [
    'the app keeps its own pages: GET / and GET /health',
    async (client) => {
      assert.match((await client.get('/')).text, /link shortener/)
      assert.deepEqual((await client.get('/health')).json, { ok: true })
    },
  ],
  [
    'GET /atp lists the toolkit',
    async (client) => {
      assert.deepEqual((await client.get('/atp')).json, { toolkits: [{ toolkit: 'links', app_name: 'links' }] })
    },
  ],
  [
    'GET /atp/links/ lists the four tools',
    async (client) => {
      const { tools } = (await client.get('/atp/links/')).json as { tools: { function: string }[] }
      const names = tools.map((tool) => tool.function)
      assert.deepEqual(names, ['find_links', 'resolve_link', 'shorten_link', 'import_links'])
    },
  ],
  [
    'GET /atp/links/shorten_link/ describes one tool',
    async (client) => {
      const tool = (await client.get('/atp/links/shorten_link/')).json as { required_params: string[] }
      assert.deepEqual(tool.required_params, ['url'])
    },
  ],
  [
    'making a link without the key is 401, with a wrong one too',
    async (client) => {
      const body = { url: 'https://example.com/' }
      assert.equal((await client.call('shorten_link', body)).status, 401)
      assert.equal((await client.call('shorten_link', body, { authorization: 'Bearer wrong-key' })).status, 401)
    },
  ],
  [
    'the editor makes a link, under the address of the binding PUBLIC_URL',
    async (client) => {
      const made = await client.edit('shorten_link', { url: 'https://example.com/a?b=c', slug: 'first', note: 'Docs' })
      assert.deepEqual(made.json, {
        result: { short_url: `${publicUrl}/first`, url: 'https://example.com/a?b=c', note: 'Docs', clicks: 0 },
      })
    },
  ],
  [
    'a form body works as well as JSON',
    async (client) => {
      const body = new URLSearchParams({ url: 'https://example.com/form', slug: 'from-form' })
      assert.equal((await client.edit('shorten_link', body)).status, 200)
    },
  ],
  [
    'a link without a slug gets a random one',
    async (client) => {
      const { json } = await client.edit('shorten_link', { url: 'https://example.com/random' })
      assert.match(
        (json as { result: { short_url: string } }).result.short_url,
        /^https:\/\/kurz\.example\/[a-z2-9]{7}$/,
      )
    },
  ],
  [
    'a taken slug and a reserved one are told to the caller',
    async (client) => {
      for (const slug of ['first', 'utcp']) {
        const { status, json } = await client.edit('shorten_link', { url: 'https://example.com/', slug })
        assert.equal(status, 400)
        assert.equal((json as { code: string }).code, 'tool_error')
        assert.match((json as { error: string }).error, /is taken/)
      }
    },
  ],
  [
    'hosts of the binding BLOCKED_HOSTS are refused',
    async (client) => {
      const { status, json } = await client.edit('shorten_link', { url: 'https://worse.example/x' })
      assert.equal(status, 400)
      assert.match((json as { error: string }).error, /worse\.example is on this site's block list/)
    },
  ],
  [
    'what is no web address is refused by the schema',
    async (client) => {
      const { status, json } = await client.edit('shorten_link', { url: 'javascript:alert(1)' })
      assert.equal(status, 400)
      assert.equal((json as { code: string }).code, 'invalid_params')
    },
  ],
  [
    'GET /first leads to the address, and the click is counted after the answer',
    async (client) => {
      const { status, headers } = await client.get('/first')
      assert.equal(status, 302)
      assert.equal(headers.get('location'), 'https://example.com/a?b=c')
      await client.until(async () => {
        const { json } = await client.call('resolve_link', { slug: 'first' })
        return (json as { result: { clicks: number } }).result.clicks === 1
      })
    },
  ],
  [
    'GET of an unknown slug is the app’s own 404',
    async (client) => {
      const { status, text } = await client.get('/nowhere')
      assert.deepEqual([status, text], [404, 'There is no such link\n'])
    },
  ],
  [
    'finding links needs no key',
    async (client) => {
      const { json } = await client.call('find_links', { text: 'docs' })
      const { result } = json as { result: { short_url: string }[] }
      assert.deepEqual(
        result.map((link) => link.short_url),
        [`${publicUrl}/first`],
      )
    },
  ],
  [
    'import_links streams each link as an event, then the result',
    async (client) => {
      const links = [
        { url: 'https://example.com/1', slug: 'one' },
        { url: 'https://blocked.example/2', slug: 'two' },
        { url: 'https://example.com/3', slug: 'three' },
      ]
      const answer = await client.edit('import_links', { links }, { accept: 'text/event-stream' })
      assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/)
      const events = readEvents(answer.text)
      assert.deepEqual(
        events.map(({ id }) => id),
        ['1', '2', '3', '4', '5', '6', '7'],
      )
      const chunks = events.filter(({ event }) => event === 'chunk').map(({ data }) => data)
      assert.deepEqual(chunks, [
        { short_url: `${publicUrl}/one`, url: 'https://example.com/1', note: '', clicks: 0 },
        { url: 'https://blocked.example/2', refused: "blocked.example is on this site's block list" },
        { short_url: `${publicUrl}/three`, url: 'https://example.com/3', note: '', clicks: 0 },
      ])
      assert.deepEqual(events.filter(({ event }) => event === 'progress').length, 3)
      assert.deepEqual(events.at(-1), { id: '7', event: 'result', data: { result: { made: 2, refused: 1 } } })
    },
  ],
  [
    'a refusal before a stream begins is a plain 401',
    async (client) => {
      const { status, json } = await client.call('import_links', { links: [] }, { accept: 'text/event-stream' })
      assert.deepEqual([status, (json as { code: string }).code], [401, 'unauthorized'])
    },
  ],
  [
    'an unknown toolkit, an unknown tool and a wrong method are 404, 404 and 405',
    async (client) => {
      assert.equal((await client.get('/atp/nothing/')).status, 404)
      assert.equal((await client.call('nothing', {})).status, 404)
      const { status, headers } = await client.send('/atp/links/find_links', { method: 'PUT' })
      assert.deepEqual([status, headers.get('allow')], [405, 'GET, HEAD, OPTIONS, POST'])
    },
  ],
  [
    'HEAD and OPTIONS are answered without a body',
    async (client) => {
      const head = await client.send('/atp/links/', { method: 'HEAD' })
      const options = await client.send('/atp/links/find_links/', { method: 'OPTIONS' })
      assert.deepEqual([head.status, head.text, options.status, options.text], [200, '', 200, ''])
    },
  ],
  [
    'the UTCP manual at GET /utcp leads to tools that run',
    async (client) => {
      const { tools } = (await client.get('/utcp')).json as { tools: UtcpTool[] }
      const tool = tools.find(({ name }) => name === 'links.resolve_link')
      assert.equal(tools.length, 4)
      const url = tool?.tool_call_template.url ?? ''
      assert.ok(url.startsWith(`${client.url}/atp/links/`))
      const { pathname } = new URL(url)
      const { json } = await client.send(pathname, { method: 'POST', body: { slug: 'one' } })
      assert.equal((json as { result: { url: string } }).result.url, 'https://example.com/1')
    },
  ],
  [
    'GET /atp/openapi.json is an OpenAPI 3.1 document of the tools',
    async (client) => {
      const document = (await client.get('/atp/openapi.json')).json as OpenApi
      assert.match(document.openapi, /^3\.1\./)
      assert.equal(document.info.title, 'Link shortener')
      assert.ok(Object.keys(document.paths).some((path) => path.includes('/links/shorten_link')))
    },
  ],
  [
    'the app’s middleware dresses ATP’s answers too',
    async (client) => {
      assert.equal((await client.get('/atp')).headers.get('x-content-type-options'), 'nosniff')
    },
  ],
]

interface UtcpTool {
  name: string
  tool_call_template: { url: string }
}

interface OpenApi {
  openapi: string
  info: { title: string }
  paths: Record<string, unknown>
}
