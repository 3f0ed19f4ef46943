import { beforeEach, describe, expect, it, vi } from 'vitest'
import { LLMClient } from '../../src/clients/llm-client.ts'

let urls: string[]
let answer: (url: string) => Response
let llm: LLMClient

const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers })

beforeEach(() => {
  urls = []
  answer = () => json({ results: [] })
  llm = new LLMClient({
    apiKey: 'atp_llm_key',
    baseUrl: 'http://server/proxy',
    fetch: async (url, init) => {
      expect(init).toMatchObject({
        method: 'GET',
        headers: { authorization: 'Bearer atp_llm_key' },
        redirect: 'manual',
      })
      urls.push(String(url).replace('http://server/proxy/api/v1/atp/llm-client/', ''))
      init?.signal?.throwIfAborted()
      return answer(String(url))
    },
  })
})

describe('lists of toolkits', () => {
  it('are asked for with the page that is wanted', async () => {
    await llm.listStoreToolkits()
    await llm.listStoreToolkits({ page: 2, pageSize: 50 })
    await llm.listMyToolkits({ pageSize: 5 })
    expect(urls).toEqual([
      'store/toolkits/list/',
      'store/toolkits/list/?page=2&page_size=50',
      'developers/toolkits/?page_size=5',
    ])
  })

  it.each([{ page: 0 }, { page: 1.5 }, { pageSize: -1 }, { pageSize: Number.NaN }])('refuse %j', async (page) => {
    await expect(llm.listMyToolkits(page)).rejects.toMatchObject({ code: 'invalid_request' })
    expect(urls).toEqual([])
  })

  it('are read whole', async () => {
    answer = () =>
      json({
        count: 12,
        page: 2,
        page_size: 5,
        next: '/api/v1/…?page=3',
        previous: '/api/v1/…?page=1',
        results: [
          {
            toolkit_id: 't1',
            name: 'mail',
            slug: 'mail',
            description: 'Mail',
            developer: { display_name: 'Ada' },
            extra: 1,
          },
          { toolkit_id: 't2', name: 'files', description: null, published: false },
        ],
      })
    await expect(llm.listStoreToolkits({ page: 2 })).resolves.toEqual({
      count: 12,
      page: 2,
      pageSize: 5,
      nextPage: 3,
      previousPage: 1,
      results: [
        { toolkitId: 't1', name: 'mail', slug: 'mail', description: 'Mail', developer: { displayName: 'Ada' } },
        { toolkitId: 't2', name: 'files', description: '', published: false },
      ],
    })
  })

  it('of servers that tell less are read as far as they go', async () => {
    answer = () => json({ results: [{ toolkit_id: 't1' }] })
    await expect(llm.listStoreToolkits({ page: 3, pageSize: 7 })).resolves.toEqual({
      count: 1,
      page: 3,
      pageSize: 7,
      nextPage: null,
      previousPage: null,
      results: [{ toolkitId: 't1', name: '', description: '' }],
    })
  })

  it.each([[[]], [{}], [{ results: {} }], [{ results: [{ name: 'without an id' }] }], ['text']])(
    'that are none (%j) are a protocol_error',
    async (body) => {
      answer = () => json(body)
      await expect(llm.listStoreToolkits()).rejects.toMatchObject({
        code: 'protocol_error',
        message: expect.stringContaining('store/toolkits/list/'),
      })
    },
  )
})

describe('details and profiles', () => {
  it('escape what they ask for', async () => {
    answer = (url) => (url.includes('developers') ? json({ display_name: 'Ada' }) : json({ toolkit_id: 't1' }))
    await expect(llm.getToolkitDetails('@ada/mail')).resolves.toMatchObject({ toolkitId: 't1', tools: [] })
    await expect(llm.getDeveloperProfile('Ada / ?#%..')).resolves.toEqual({ displayName: 'Ada', bio: '', toolkits: [] })
    expect(urls).toEqual(['store/toolkits/%40ada%2Fmail/', 'store/developers/Ada%20%2F%20%3F%23%25../'])
  })

  it.each(['', '.', '..', '\ud800'])('do not ask for %j, which would lead elsewhere', async (name) => {
    await expect(llm.getToolkitDetails(name)).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(llm.getDeveloperProfile(name)).rejects.toMatchObject({ code: 'invalid_request' })
    expect(urls).toEqual([])
  })

  it('read tools as far as the server describes them', async () => {
    const wire = { name: 'send', description: 'Sends', input_schema: { type: 'object' }, auth_type: 'OAuth2' }
    const tools = [wire, { name: 'odd', description: 'Odd', input_schema: 5 }, { name: 'bare' }, null, { name: 5 }]
    answer = () => json({ toolkit_id: 't1', name: 'mail', tools })
    const { tools: read } = await llm.getToolkitDetails('mail')
    expect(read).toMatchObject([{ name: 'send', inputSchema: { type: 'object' }, auth: { type: 'OAuth2' } }, {}, {}])
    expect(read.slice(1)).toEqual([
      { name: 'odd', description: 'Odd' },
      { name: 'bare', description: '' },
    ])
  })
})

describe('what the server refuses', () => {
  const ask = { details: () => llm.getToolkitDetails('x'), profile: () => llm.getDeveloperProfile('x') }

  it.each([
    [404, { error: 'no' }, 'toolkit_not_found', 'not_found'],
    [404, 'a page', 'protocol_error', 'protocol_error'],
    [401, {}, 'unauthorized', 'unauthorized'],
    [403, { error: 'no', code: 'forbidden' }, 'forbidden', 'forbidden'],
    [429, {}, 'rate_limited', 'rate_limited'],
    [503, { error: 'later', code: 'store_unavailable' }, 'store_unavailable', 'store_unavailable'],
    [502, 'a page', 'connection_failed', 'connection_failed'],
  ])('with %i %j is typed', async (status, body, details, profile) => {
    answer = () => (typeof body === 'string' ? new Response(body, { status }) : json(body, status))
    await expect(ask.details()).rejects.toMatchObject({ code: details, details: { status } })
    await expect(ask.profile()).rejects.toMatchObject({ code: profile })
  })

  it('for a while says for how long', async () => {
    answer = () => json({ error: 'slow down' }, 429, { 'retry-after': '3' })
    await expect(llm.listMyToolkits()).rejects.toMatchObject({
      code: 'rate_limited',
      retryable: true,
      details: { retryAfterMs: 3_000 },
    })
  })

  it('ends with the signal of the caller, and with the client', async () => {
    await expect(llm.listMyToolkits({ signal: AbortSignal.abort('gone') })).rejects.toMatchObject({ code: 'cancelled' })
    const hanging = new LLMClient({
      apiKey: 'k',
      fetch: (_url, init) =>
        new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))),
    })
    const asking = hanging.getToolkitDetails('x').catch((error: Error) => error)
    await vi.waitFor(() => hanging.close())
    expect(await asking).toMatchObject({ code: 'client_stopped' })
  })
})
