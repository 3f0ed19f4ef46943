// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of UTCP are written like this
import { type CallTemplate, type CommunicationProtocol, UtcpClient } from '@atp/utcp'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { http, sse, streamableHttp } from '../../src/index.ts'
import { call, caller, discover } from '../support/calls.ts'
import { failureOf } from '../support/failure.ts'
import { startPublicWeb } from '../support/public-web.ts'
import { type Answer, json, type Site, startSite } from '../support/site.ts'

let site: Site
let answer: Answer
let protocol: CommunicationProtocol

const tool = (url: string, name = 'a') => ({ name, tool_call_template: { call_template_type: 'http', url } })
const manual = { utcp_version: '1.0.1', tools: [tool('https://api.example')] }
const openApi = { openapi: '3.1.0', info: {}, paths: { '/a': {} } }

beforeEach(async () => {
  answer = (_, response) => json(response, manual)
  site = await startSite((request, response) => answer(request, response))
  protocol = http()()
})

afterEach(async () => {
  vi.useRealTimers()
  await protocol.close()
  await site[Symbol.asyncDispose]()
})

const template = (path = '/utcp', changes: Partial<CallTemplate> = {}): CallTemplate => ({
  ...{ name: 'm', call_template_type: 'http', url: `${site.origin}${path}` },
  ...changes,
})

function answerWith(body: unknown, contentType: string, status = 200): void {
  answer = (_, response) => {
    response
      .writeHead(status, { 'content-type': contentType })
      .end(typeof body === 'string' ? body : JSON.stringify(body))
  }
}

describe('a discovery', () => {
  it('is one request with method, headers and credentials of the template', async () => {
    const auth = { auth_type: 'api_key', api_key: 'k', var_name: 'token', location: 'query' }
    const changes = { http_method: 'POST', headers: { 'X-A': '1' }, auth, header_fields: ['X-B'] }
    expect(await discover(protocol, template('/utcp?v=1', changes))).toMatchObject({ manual, errors: [] })
    expect(site.seen).toHaveLength(1)
    expect(site.seen[0]).toMatchObject({ method: 'POST', url: '/utcp?v=1&token=k', body: '' })
    expect(site.seen[0]?.headers).toMatchObject({ 'x-a': '1' })
    expect(site.seen[0]?.headers).not.toHaveProperty('x-b')
  })

  it.each([
    ['application/yaml', '/utcp'],
    ['text/x-yaml; charset=utf-8', '/utcp'],
    ['text/plain', '/utcp.yaml'],
    ['text/plain', '/utcp.YML?x=1'],
  ])('reads YAML of type %s at %s', async (type, path) => {
    answerWith('utcp_version: 1.0.1\ntools:\n  - name: a\n', type)
    const found = await discover(protocol, template(path))
    expect(found.manual).toEqual({ utcp_version: '1.0.1', tools: [{ name: 'a' }] })
  })

  it('reads YAML by the name that the template has, wherever that leads', async () => {
    answer = ({ path }, response) =>
      path === '/utcp.yaml'
        ? response.writeHead(302, { location: '/stored?id=1' }).end()
        : response.writeHead(200, { 'content-type': 'text/plain' }).end('tools: [{ name: a }]')
    expect((await discover(protocol, template('/utcp.yaml'))).manual).toEqual({ tools: [{ name: 'a' }] })
  })

  it.each([
    ['an error that says 200', { error: 'no such thing' }, 'invalid_manual', 200],
    ['a list', [manual], 'invalid_manual', 200],
    ['null', null, 'invalid_manual', 200],
    ['tools that are no list', { utcp_version: '1', tools: {} }, 'invalid_manual', 200],
    ['a text', '"hello"', 'invalid_manual', 200],
    ['JSON that is none', '{"tools": [', 'invalid_manual', 200],
    ['nothing', '', 'invalid_manual', 200],
    ['status 404', { error: 'gone' }, 'http_error', 404],
    ['status 204', '', 'invalid_manual', 204],
    ['an OpenAPI document', openApi, 'unsupported', 200],
    ['a Swagger document', { swagger: '2.0' }, 'unsupported', 200],
  ])('fails for %s, and names the place without its query', async (_, body, code, status) => {
    answerWith(body, 'application/json', status)
    const error = await failureOf(discover(protocol, template('/utcp?key=hidden')))
    expect(error.code).toBe(code)
    expect(error.message).toContain(site.origin)
    expect(error.message).not.toContain('hidden')
  })

  it('is refused beyond its size', async () => {
    const error = await failureOf(discover(protocol, template(), { maxResponseBytes: 10 }))
    expect(error.code).toBe('response_too_large')
  })

  it('takes ten seconds at most', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    answer = () => undefined
    const failed = failureOf(discover(protocol, template()))
    await vi.waitFor(() => expect(site.seen).toHaveLength(1))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await failed).toMatchObject({ code: 'timeout', message: expect.stringContaining('10000 ms') })
  })

  it.each([
    ['sse', sse],
    ['streamable_http', streamableHttp],
  ] as const)('of type %s takes manuals and no OpenAPI documents', async (type, make) => {
    const streams = make()()
    expect((await discover(streams, template('/utcp', { call_template_type: type }))).manual).toEqual(manual)
    answerWith(openApi, 'application/json')
    const error = await failureOf(discover(streams, template('/utcp', { call_template_type: type })))
    expect(error.code).toBe('unsupported')
    await streams.close()
  })
})

describe('an OpenAPI document', () => {
  it('becomes a manual by the converter that is given', async () => {
    answerWith(openApi, 'application/json')
    const seen: unknown[] = []
    const converting = http({
      openApi: (document, { url, template: declared }) => {
        seen.push(document, url, declared)
        return manual
      },
    })()
    const declaredTemplate = template('/openapi.json', { auth_tools: { auth_type: 'api_key', api_key: '${KEY}' } })
    const found = await discover(converting, template('/openapi.json'), { declaredTemplate })
    expect(found.manual).toEqual(manual)
    expect(seen).toEqual([openApi, `${site.origin}/openapi.json`, declaredTemplate])
    await converting.close()
  })
})

describe('a refresh', () => {
  it('asks with what the last answer said, and learns that nothing changed', async () => {
    answer = ({ headers }, response) =>
      headers['if-none-match'] === '"v1"'
        ? response.writeHead(304, { 'cache-control': 'max-age=5' }).end()
        : json(response, manual, 200, {
            etag: '"v1"',
            'last-modified': 'yesterday',
            'cache-control': 'public, max-age=60',
            age: '10',
          })
    const first = await discover(protocol, template())
    expect(first.validators).toEqual({ etag: '"v1"', lastModified: 'yesterday' })
    expect(first.freshForMs).toBe(50_000)
    const again = await discover(protocol, template(), { validators: first.validators })
    expect(again).toEqual({ notModified: true, freshForMs: 5_000 })
    expect(site.seen[1]?.headers['if-modified-since']).toBe('yesterday')
  })

  it('relies on nothing that the server forbids to rely on', async () => {
    answer = (_, response) => json(response, manual, 200, { 'cache-control': 'no-cache, max-age=60' })
    expect(await discover(protocol, template())).not.toHaveProperty('freshForMs')
  })
})

describe('a manual from elsewhere', () => {
  const here = [
    'http://localhost:1/x',
    'https://127.1/x',
    'http://[::1]/',
    'https://0.0.0.0/',
    'http://localhost./{id}',
  ]

  it('does not get tools at this machine; the others stay', async () => {
    await using web = await startPublicWeb((_, response) => {
      const others = [tool('https://api.example/{id}', 'good'), tool('${BASE}/x', 'later'), { name: 'broken' }, null]
      json(response, { utcp_version: '1.0.1', tools: [...here.map((url) => tool(url)), ...others] })
    })
    const guarded = http({ egress: web.egress })()
    const found = await discover(guarded, { name: 'm', call_template_type: 'http', url: 'https://public.example/utcp' })
    const { tools } = found.manual as { tools: ({ name: string } | null)[] }
    expect(tools.map((each) => each?.name)).toEqual(['good', 'later', 'broken', undefined])
    expect(found.errors).toHaveLength(here.length)
    expect(found.errors?.[0]).toContain('tools[0]')
    await guarded.close()
  })

  it('does not lead here by a variable or a stored tool either', async () => {
    await using web = await startPublicWeb((_, response) => json(response, { ...manual, tools: [tool('${BASE}/x')] }))
    await using client = await UtcpClient.create(
      {
        variables: { m_BASE: site.origin, m_URL: 'https://public.example/utcp' },
        manual_call_templates: [{ name: 'm', call_template_type: 'http', url: '${URL}' }],
      },
      { protocols: [http({ egress: web.egress })] },
    )
    expect(await failureOf(client.callTool('m.a', {}))).toMatchObject({ code: 'egress_refused' })
    expect(site.seen).toEqual([])
  })

  it('is one that a redirect led to, too', async () => {
    answer = (_, response) => response.writeHead(302, { location: 'https://public.example/utcp' }).end()
    await using web = await startPublicWeb((_, response) => json(response, { tools: [tool(`${site.origin}/x`)] }))
    const guarded = http({ egress: web.egress })()
    expect((await discover(guarded, template())).manual).toEqual({ tools: [] })
    await guarded.close()
  })

  it('is not one that is here, although a variable says where', async () => {
    answer = ({ path }, response) =>
      json(response, path === '/utcp' ? { ...manual, tools: [tool(`${site.origin}/x`)] } : { ok: true })
    const declared = { name: 'm', call_template_type: 'http', url: '${URL}' }
    await using client = await UtcpClient.create(
      { variables: { m_URL: `${site.origin}/utcp` }, manual_call_templates: [declared] },
      { protocols: [http()] },
    )
    expect(await client.callTool('m.a', {})).toEqual({ ok: true })
    // Before it was asked for, nobody knows where it is.
    const unknown = call(protocol, tool(`${site.origin}/x`).tool_call_template, {}, { manualCallTemplate: declared })
    expect(await failureOf(unknown)).toMatchObject({ code: 'egress_refused' })
  })

  it('may not lead here by a variable when a redirect led to it', async () => {
    answer = (_, response) => response.writeHead(302, { location: 'https://public.example/utcp' }).end()
    await using web = await startPublicWeb((_, response) => json(response, { ...manual, tools: [tool('${BASE}/x')] }))
    await using client = await UtcpClient.create(
      { variables: { m_BASE: site.origin }, manual_call_templates: [template()] },
      { protocols: [http({ egress: web.egress })] },
    )
    expect(await failureOf(client.callTool('m.a', {}))).toMatchObject({ code: 'egress_refused' })
    expect(site.seen).toHaveLength(1)
  })

  it('is forgotten with its manual', async () => {
    const declared = { name: 'm', call_template_type: 'http', url: '${URL}' }
    const reach = (): Promise<unknown> =>
      call(protocol, tool(`${site.origin}/x`).tool_call_template, {}, { manualCallTemplate: declared })
    await discover(protocol, template(), { declaredTemplate: declared })
    expect(await reach()).toEqual(manual)
    await protocol.deregisterManual(caller, declared)
    expect(await failureOf(reach())).toMatchObject({ code: 'egress_refused' })
  })
})

describe('a manual of 0.x', () => {
  it('is read, with a warning', async () => {
    const old = {
      version: '0.2.0',
      tools: [{ name: 'a', tool_provider: { provider_type: 'http', url: `${site.origin}/x` } }],
    }
    answer = ({ path }, response) => json(response, path === '/utcp' ? old : { ok: true })
    await using client = await UtcpClient.create({}, { protocols: [http()] })
    const result = await client.registerManual(template() as never)
    expect(result).toMatchObject({ success: true, errors: [] })
    expect(result.warnings.length).toBeGreaterThan(0)
    expect(await client.callTool('m.a', {})).toEqual({ ok: true })
  })
})

describe('in a client', () => {
  it('a discovery that fails is a result without success, and says why', async () => {
    answer = (_, response) => json(response, { message: 'come back later' }, 503)
    await using client = await UtcpClient.create({}, { protocols: [http()] })
    const { success, errors, manual: found } = await client.registerManual(template('/utcp?key=hidden') as never)
    expect([success, found.tools, found.manual_version]).toEqual([false, [], '0.0.0'])
    expect(errors[0]).toContain('503')
    expect(errors[0]).toContain('come back later')
    expect(errors[0]).not.toContain('hidden')
  })
})
