import { describe, expect, it, vi } from 'vitest'
import {
  codeHash,
  type LegacyTool,
  LegacyToolkit,
  type LegacyToolkitOptions,
  startFoundingServer,
  toolkitHash,
} from '../../src/legacy/index.ts'
import { startLyingServer } from './support/lying-server.ts'

const echo: LegacyTool = { name: 'echo', params: ['value'], handler: ({ value }) => value ?? null }

function toolkitOf(options: Partial<LegacyToolkitOptions> & { baseUrl: string }): LegacyToolkit {
  return new LegacyToolkit({ apiKey: 'key', appName: 'app', tools: [echo], reconnect: false, ...options })
}

describe('registration', () => {
  it('is reported when it fails, and goes on', async () => {
    await using server = await startLyingServer({ http: () => ({ status: 500, text: '{"error": "no"}' }) })
    const toolkit = toolkitOf({ baseUrl: server.baseUrl, version: '0.2.0', tools: [echo, { ...echo, name: 'other' }] })
    await toolkit.register()
    expect(toolkit.takeProblems()).toEqual([
      'echo stays unregistered: register_tool answered 500 {"error": "no"}',
      'other stays unregistered: register_tool answered 500 {"error": "no"}',
    ])
  })

  it('takes all but 200 and true for false, and reports what is no answer', async () => {
    await using server = await startLyingServer({
      http: (path) => ({
        status: 200,
        text: path.includes('verify') ? '{"up_to_date": "yes"}' : '{"exchange_token": "x"}',
      }),
    })
    const toolkit = toolkitOf({ baseUrl: server.baseUrl })
    expect(await toolkit.registration.verify('h')).toBe(false)
    expect(toolkit.takeProblems()).toEqual(['verify_hash answered 200 {"up_to_date": "yes"}'])
  })

  it.each([
    ['0.1.7', ['register_tool', 'register_tool']],
    ['0.2.0', ['register_tool', 'register_tool']],
    ['0.2.2', ['verify_hash', 'register_tool', 'verify_hash', 'register_tool', 'verify_hash']],
    ['0.2.5', ['verify_hash', 'register_tool', 'verify_hash', 'register_tool', 'verify_hash']],
  ] as const)('SDK %s asks in the order %s', async (version, order) => {
    await using server = await startFoundingServer()
    const { baseUrl } = server
    const tools = [echo, { ...echo, name: 'other' }]
    await using toolkit = toolkitOf({ baseUrl, version, tools, apiKey: server.createToolkitKey('app') })
    await toolkit.register()
    await toolkit.registration.confirm()
    expect(server.seen.map((line) => line.split('/').at(-1))).toEqual(order)
  })

  it('registers on start what verify_tool_hash says differs', async () => {
    await using server = await startFoundingServer()
    const apiKey = server.createToolkitKey('app')
    const tools = [echo, { ...echo, name: 'other' }]
    await using toolkit = toolkitOf({ baseUrl: server.baseUrl, tools, apiKey })
    await toolkit.register()
    // Somebody else changes one of the two.
    await using other = toolkitOf({ baseUrl: server.baseUrl, tools: [{ ...echo, source: 'changed' }], apiKey })
    await other.register()
    await toolkit.start()
    expect(toolkit.registration.sent).toEqual(['echo', 'other', 'echo'])
  })

  it('refuses a function that declares access_token or api_key, since 0.2.2', async () => {
    const baseUrl = 'http://127.0.0.1:1'
    for (const name of ['access_token', 'api_key']) {
      const toolkit = toolkitOf({ baseUrl, tools: [{ ...echo, declares: [name] }] })
      await expect(toolkit.register()).rejects.toThrow('must not be declared')
    }
    await using server = await startFoundingServer()
    await using old = toolkitOf({
      ...{ baseUrl: server.baseUrl, version: '0.2.1', apiKey: server.createToolkitKey('app') },
      tools: [{ ...echo, declares: ['api_key', 'value'] }],
    })
    await old.register()
    expect(old.registration.sent).toEqual(['echo'])
  })
})

describe('hashes', () => {
  it('are SHA-256 of source texts, joined in the order of code points', () => {
    const tool = (name: string, source: string): LegacyTool => ({ name, source, handler: () => null })
    const last = tool('\u{1f600}', 'b')
    const first = tool('\uffff', 'a')
    expect(codeHash(first)).toBe('ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb')
    // sha256('ab'); by UTF-16 the emoji would come first.
    expect(toolkitHash([last, first])).toBe('fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603')
  })
})

describe('the inbox', () => {
  it.each(['0.2.5', '0.2.0-early'] as const)('is polled and answered by SDK %s', async (version) => {
    await using server = await startFoundingServer({ inboxHoldMs: 200 })
    await using toolkit = toolkitOf({
      ...{ baseUrl: server.baseUrl, version, apiKey: server.createToolkitKey('app'), protocol: 'http' },
      pollPauseMs: 5,
    })
    await toolkit.start()
    const key = server.createLlmKey()
    const answer = await fetch(`${server.baseUrl}/api/v1/atp/llm-client/process/`, {
      method: 'POST',
      headers: { authorization: `ApiKey ${key}` },
      body: JSON.stringify({
        ...{ type: 'task_request', request_id: 'r', toolkit_id: 'app' },
        payload: { function: 'echo', parameters: { value: 'polled' } },
      }),
    })
    expect(await answer.json()).toMatchObject({ payload: { result: 'polled' } })
  })

  it('posts again, and reports it, when an answer is not taken with 2xx and a JSON body', async () => {
    let items = 1
    await using server = await startLyingServer({
      http: (path) => {
        if (path.endsWith('/respond')) return { status: 204, text: '' }
        const item = '{"request_id": "r", "tool_name": "echo", "params": {"value": 1}}'
        items -= 1
        return { status: 200, text: items === 0 ? item : '{}' }
      },
    })
    const toolkit = toolkitOf({ baseUrl: server.baseUrl, protocol: 'http', pollPauseMs: 5 })
    await toolkit.connect()
    await vi.waitFor(() => expect(server.seen.filter((line) => line.includes('/respond'))).toHaveLength(2))
    await toolkit.stop()
    expect(toolkit.takeProblems().join()).toContain('inbox/respond was answered with 204')
  })
})
