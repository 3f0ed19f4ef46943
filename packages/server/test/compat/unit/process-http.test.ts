import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inboxPeer } from '../../support/inbox-peer.ts'
import { wireTool } from '../../support/raw-peer.ts'
import { startTestServer, type TestServer } from '../../support/test-server.ts'
import { ask, connectLegacy, type LegacySocket, registration, serveTools } from './legacy-peers.ts'

let server: TestServer
let toolkit: LegacySocket
let url: string

beforeAll(async () => {
  server = await startTestServer()
  url = `${server.url}/api/v1/atp/llm-client/process/`
  await ask(`${server.url}/api/v1/register_tool`, registration(server.keys.toolkitKey, 'py', 'echo'))
  toolkit = await serveTools(server.url, server.keys.toolkitKey, { echo: ({ text }) => text ?? null })
})

afterAll(async () => {
  await toolkit[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const task = (payload: unknown, more: Record<string, unknown> = {}) => ({
  type: 'task_request',
  request_id: 'r',
  toolkit_id: 'py',
  payload,
  ...more,
})
const context = { type: 'get_toolkit_context', request_id: 'r', toolkit_id: 'py', provider: 'openai', user_prompt: '' }

describe('keys', () => {
  it.each([
    ['Authorization: ApiKey', (key: string) => ({ headers: { authorization: `ApiKey ${key}` }, body: {} })],
    ['Authorization: Bearer', (key: string) => ({ headers: { authorization: `Bearer ${key}` }, body: {} })],
    ['api_key in the body', (key: string) => ({ headers: {}, body: { api_key: key } })],
    ['both', (key: string) => ({ headers: { authorization: `ApiKey ${key}` }, body: { api_key: key } })],
  ])('are taken as %s', async (_how, show) => {
    const { headers, body } = show(server.keys.llmKey)
    expect((await ask(url, { ...context, ...body }, headers as Record<string, string>)).status).toBe(200)
    const wrong = show('atp_llm_wrong')
    expect(await ask(url, { ...context, ...wrong.body }, wrong.headers as Record<string, string>)).toMatchObject({
      status: 401,
      body: { error: expect.any(String) },
    })
  })
})

it('a body that brings its own key may have 64 KiB, one with a key in a header as much as any', async () => {
  const body = { ...context, api_key: server.keys.llmKey, user_prompt: 'x'.repeat(65_536) }
  expect(await ask(url, body)).toMatchObject({ status: 413, body: { code: 'payload_too_large' } })
  expect((await ask(url, body, { authorization: `ApiKey ${server.keys.llmKey}` })).status).toBe(200)
})

describe('answers', () => {
  const key = () => ({ authorization: `ApiKey ${server.keys.llmKey}` })

  it('to calls are 200 with the failure as result, whatever failed', async () => {
    for (const body of [
      task({ function: 'no' }),
      task(5),
      task({ function: 'echo' }, { toolkit_id: 'nobody' }),
      task({ function: 'echo' }, { toolkit_id: null }),
    ]) {
      expect(await ask(url, body, key())).toEqual({
        status: 200,
        body: {
          type: 'task_response',
          request_id: 'r',
          status: 'success',
          payload: { result: { error: expect.any(String) } },
          result: { tool: { name: expect.any(String), result: { error: expect.any(String) } } },
        },
      })
    }
  })

  it('to calls are 200 even where their body cannot be read', async () => {
    for (const text of [
      '{"type": "task_request", "request_id": "r", "payload": {"__proto__": {}}}',
      '{"request_id": "r", "type": "task_request", "x": NaN',
    ]) {
      expect(await ask(url, text, key())).toMatchObject({
        status: 200,
        body: { type: 'task_response', request_id: 'r' },
      })
      expect((await ask(url, text)).status).toBe(401)
    }
    for (const text of ['', '{"type', '[]']) expect((await ask(url, text, key())).status).toBe(400)
  })

  it('to contexts have the status of the failure', async () => {
    for (const [more, status] of [
      [{ toolkit_id: 'nobody' }, 404],
      [{ provider: 'x' }, 400],
      [{ toolkit_id: 5 }, 400],
    ] as const) {
      expect(await ask(url, { ...context, ...more }, key())).toMatchObject({
        status,
        body: { error: expect.any(String), payload: { tools: [] }, request_id: 'r' },
      })
    }
  })

  it('have members of ours for clients that accept them, and for no others', async () => {
    const ours = { ...key(), accept: 'application/vnd.atp+json, application/json' }
    expect(Object.keys((await ask(url, context, ours)).body.payload as object)).toContain('warnings')
    expect(Object.keys((await ask(url, context, key())).body.payload as object)).not.toContain('warnings')
    const failed = await ask(url, task({ function: 'no' }), ours)
    expect(failed.body).toMatchObject({ error: { code: 'tool_not_found' } })
  })

  it('take bodies of a megabyte', async () => {
    const text = 'x'.repeat(1_048_000)
    expect((await ask(url, task({ function: 'echo', parameters: { text } }), key())).body.payload).toEqual({
      result: text,
    })
  })

  it('are cancelled with their request', async () => {
    const hung = await server.server.createKey({ kind: 'toolkit', name: 'hung' })
    await ask(`${server.url}/api/v1/register_tool`, registration(hung.key, 'hung', 'wait'))
    await using socket = await connectLegacy(server.url, `/ws/v1/atp/${hung.key}/`)
    const abort = new AbortController()
    const headers = { ...key(), 'content-type': 'application/json' }
    const body = JSON.stringify(task({ function: 'wait' }, { toolkit_id: 'hung' }))
    const asking = fetch(url, { method: 'POST', headers, body, signal: abort.signal }).catch(() => 'gone')
    await socket.next(({ message_type }) => message_type === 'atp_tool_request')
    abort.abort()
    expect(await asking).toBe('gone')
    const admin = { authorization: `Bearer ${server.keys.adminKey}` }
    const calls = async () => (await ask(`${server.url}/api/v2/calls?toolkit=hung`, undefined, admin)).body.calls
    await expect.poll(calls).toMatchObject([{ status: 'cancelled' }])
  })
})

describe('Accept: text/event-stream', () => {
  const stream = async (body: unknown): Promise<{ status: number; type: string | null; text: string }> => {
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        authorization: `ApiKey ${server.keys.llmKey}`,
        'content-type': 'application/json',
        accept: 'text/event-stream',
      },
      body: JSON.stringify(body),
    })
    return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() }
  }

  it('gets the whole answer as its last event, on one line for any reader', async () => {
    const text = 'größer \u2028 \u0085 "quoted"'
    const answer = await stream(task({ function: 'echo', parameters: { text } }))
    expect(answer).toMatchObject({ status: 200, type: 'text/event-stream; charset=utf-8' })
    const lines = answer.text.split(/\n|\r|\u2028|\u2029|\u0085/).filter((line) => line !== '')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^data: \{/)
    expect(JSON.parse(String(lines[0]).slice(6))).toMatchObject({ type: 'task_response', payload: { result: text } })
  })

  it('gets the failure of a call as an event, and that of a context as a status', async () => {
    const failed = await stream(task({ function: 'no' }))
    expect(failed.status).toBe(200)
    expect(failed.text).toContain('"error"')
    expect((await stream(context)).text).toMatch(/^data: .*"toolkit_context"/)
    expect((await stream({ ...context, toolkit_id: 'nobody' })).status).toBe(404)
  })
})

it('a call that is refused because too many wait says when to come back', async () => {
  await using full = await startTestServer({ limits: { inboxCallsPerToolkit: 0 } })
  await inboxPeer(full, 'mail', [wireTool('work')])
  const call = task({ function: 'work', parameters: {} }, { toolkit_id: 'mail' })
  const ours = 'application/vnd.atp+json'
  const answer = await fetch(`${full.url}/api/v1/atp/llm-client/process/`, {
    method: 'POST',
    headers: { authorization: `Bearer ${full.keys.llmKey}`, 'content-type': 'application/json', accept: ours },
    body: JSON.stringify(call),
  })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('retry-after')).toBe('1')
  await expect(answer.json()).resolves.toMatchObject({ error: { code: 'queue_full', retryable: true } })
})
