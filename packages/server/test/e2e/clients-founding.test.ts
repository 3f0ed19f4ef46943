import {
  isAtpError,
  LLMClient,
  type LLMClientOptions,
  type Logger,
  ToolKitClient,
  type ToolKitClientOptions,
} from '@atp/core'
import { type FoundingServer, startFoundingServer } from '@atp/testing/legacy'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'

/*
 * Both clients against a server as the founders ran it: the v1 addresses and nothing else.
 */

let server: FoundingServer
let toolkitKey: string
let llmKey: string
let closing: (() => Promise<unknown>)[]
let logged: string[]

const logger: Logger = {
  debug: (event, fields) => logged.push(`${event} ${JSON.stringify(fields)}`),
  info: (event, fields) => logged.push(`${event} ${JSON.stringify(fields)}`),
  warn: (event, fields) => logged.push(`${event} ${JSON.stringify(fields)}`),
  error: (event, fields) => logged.push(`${event} ${JSON.stringify(fields)}`),
}

beforeEach(async () => {
  logged = []
  closing = []
  server = await startFoundingServer()
  toolkitKey = server.createToolkitKey('math')
  llmKey = server.createLlmKey()
})
afterEach(async () => {
  await Promise.all(closing.map((close) => close()))
  await server.stop()
  for (const key of [toolkitKey, llmKey]) expect(logged.filter((line) => line.includes(key))).toEqual([])
})

function makeToolkit(options: Partial<ToolKitClientOptions> = {}): ToolKitClient {
  const client = new ToolKitClient({
    baseUrl: server.baseUrl,
    apiKey: toolkitKey,
    appName: 'math',
    logger,
    backoff: { baseMs: 1, maxMs: 20 },
    ...options,
  })
  client.registerTool(
    { name: 'add', description: 'Adds', params: z.object({ a: z.number(), b: z.number() }) },
    ({ a, b }) => a + b,
  )
  client.registerTool(
    { name: 'echo', description: 'Echoes', params: z.object({ value: z.any() }) },
    ({ value }) => value,
  )
  client.registerTool({ name: 'fails', description: 'Fails' }, () => {
    throw new Error('it broke')
  })
  client.registerTool(
    { name: 'whoami', description: 'Tells', auth: { provider: 'github', type: 'OAuth2', with: 'access_token' } },
    (_args, { authToken }) => ({ token: authToken }),
  )
  closing.push(() => client.stop())
  return client
}

function makeLlm(options: Partial<LLMClientOptions> = {}): LLMClient {
  const client = new LLMClient({ baseUrl: server.baseUrl, apiKey: llmKey, logger, backoff: { baseMs: 1 }, ...options })
  closing.push(() => client.close())
  return client
}

describe.each(['ws', 'http'] as const)(
  'an LLM client over %s and a toolkit of ours on a founding server',
  (protocol) => {
    let llm: LLMClient
    beforeEach(async () => {
      await makeToolkit().start()
      llm = makeLlm({ protocol })
    })

    it('describes the tools in each provider form, with names and required parameters', async () => {
      const openai = await llm.getToolkitContext({ toolkitId: 'math', userPrompt: 'hi' })
      expect(openai).toMatchObject({ toolkitName: 'math', provider: 'openai', userPrompt: 'hi', warnings: [] })
      expect(openai.tools.map(({ name }) => name).sort()).toEqual(['add', 'echo', 'fails', 'whoami'])
      expect(openai.tools.find(({ name }) => name === 'add')).toMatchObject({
        type: 'function',
        strict: false,
        description: 'Adds',
        parameters: { required: ['a', 'b'] },
      })
      const chat = await llm.getToolkitContext({ toolkitId: 'math', provider: 'openai-chat' })
      expect(chat.tools[0]).toEqual({
        type: 'function',
        function: expect.objectContaining({ name: expect.any(String) }),
      })
      const anthropic = await llm.getToolkitContext({ toolkitId: openai.toolkitId, provider: 'anthropic' })
      expect(anthropic.tools[0]).toMatchObject({ input_schema: { type: 'object' } })
      const mistral = await llm.getToolkitContext({ toolkitId: 'math', provider: 'mistral' })
      expect(mistral.tools[0]).toMatchObject({ function: { parameters: { type: 'object' } } })
    })

    it('runs calls with typed arguments, and falsy results arrive as they are', async () => {
      await expect(llm.call({ toolkitId: 'math', tool: 'add', params: { a: 1, b: 2 } })).resolves.toBe(3)
      for (const value of [null, false, 0, '', [], {}, 'é🙂', { error: 'of yesterday', more: 1 }]) {
        await expect(llm.call({ toolkitId: 'math', tool: 'echo', params: { value } })).resolves.toEqual(value)
      }
    })

    it('passes the token to tools that declare auth', async () => {
      const call = { toolkitId: 'math', tool: 'whoami' }
      await expect(llm.call({ ...call, authToken: 'of-the-user' })).resolves.toEqual({ token: 'of-the-user' })
      await expect(llm.call(call)).rejects.toMatchObject({ code: 'tool_error', message: /requires 'auth_token'/ })
    })

    it('tells failures as such, whoever they come from', async () => {
      const failing = (tool: string, params = {}) =>
        llm.call({ toolkitId: 'math', tool, params }).catch((error: unknown) => isAtpError(error) && error)
      expect(await failing('fails')).toMatchObject({ code: 'tool_error', message: 'it broke' })
      expect(await failing('add', { a: 1 })).toMatchObject({ message: 'Missing required parameters: b' })
      expect(await failing('add', { a: 'one', b: 2 })).toMatchObject({ code: 'tool_error', message: /a/ })
      expect(await failing('nothing')).toMatchObject({ code: 'tool_error', message: /no tool 'nothing'/ })
      await expect(llm.getToolkitContext({ toolkitId: 'nothing' })).rejects.toMatchObject({ code: 'toolkit_not_found' })
    })

    it('answers parallel calls of a model in their order, each with its own id', async () => {
      const call = (id: string, name: string, args: object) => ({
        type: 'function_call',
        call_id: id,
        name,
        arguments: JSON.stringify(args),
      })
      const toolCalls = [call('x', 'add', { a: 1, b: 1 }), call('y', 'fails', {}), call('z', 'add', { a: 2, b: 2 })]
      await expect(llm.callTool({ toolkitId: 'math', toolCalls })).resolves.toEqual([
        { type: 'function_call_output', call_id: 'x', output: '2' },
        { type: 'function_call_output', call_id: 'y', output: '{"error":"it broke"}' },
        { type: 'function_call_output', call_id: 'z', output: '4' },
      ])
    })

    it('refuses a wrong key without repeating it', async () => {
      const wrong = makeLlm({ protocol, apiKey: 'a-wrong-key' })
      const refused = wrong.call({ toolkitId: 'math', tool: 'add' })
      await expect(refused).rejects.toMatchObject({
        code: 'unauthorized',
        message: expect.not.stringContaining('a-wrong-key'),
      })
    })

    it('lists and describes what the server offers', async () => {
      await expect(llm.listStoreToolkits({ page: 1, pageSize: 5 })).resolves.toMatchObject({
        count: 1,
        pageSize: 5,
        nextPage: null,
        results: [{ name: 'math' }],
      })
      await expect(llm.getToolkitDetails('math')).resolves.toMatchObject({
        developer: { displayName: 'Founding Developer' },
        tools: expect.arrayContaining([{ name: 'add', description: 'Adds' }]),
      })
      await expect(llm.getDeveloperProfile('Founding Developer')).resolves.toMatchObject({
        toolkits: [{ name: 'math' }],
      })
      await expect(llm.getDeveloperProfile('Nobody')).rejects.toMatchObject({ code: 'not_found' })
    })
  },
)

describe('a toolkit of ours on a founding server', () => {
  const registrations = () => server.seen.filter((line) => line === 'POST /api/v1/register_tool').length

  it('registers once: the server keeps what it has, also over its own restart', async () => {
    await makeToolkit().start()
    expect(registrations()).toBe(4)
    const again = makeToolkit()
    await again.start()
    expect(registrations()).toBe(4)
    await again.stop()
    const changed = makeToolkit()
    changed.removeTool('echo')
    changed.registerTool(
      { name: 'echo', description: 'Echoes better', params: ['value'] },
      ({ value }) => value ?? null,
    )
    await changed.start()
    expect(registrations()).toBe(5)
  })

  it('sends hashes and descriptions, never code', async () => {
    const bodies: Record<string, unknown>[] = []
    const recording: typeof fetch = (url, init) => {
      bodies.push(JSON.parse(String(init?.body)) as Record<string, unknown>)
      return fetch(url, init)
    }
    await makeToolkit({ fetch: recording }).start()
    const registered = bodies.filter((body) => 'function_id' in body)
    expect(registered).toHaveLength(4)
    expect(JSON.stringify(bodies)).not.toContain('it broke')
    const whoami = registered.find((body) => body.function_id === 'whoami')
    expect(whoami).toMatchObject({
      app_name: 'math',
      code_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      metadata: {
        params: [],
        auth_provider: 'github',
        auth_type: 'OAuth2',
        auth_with: 'access_token',
        source_code: '',
      },
    })
    // Only the last one stands for all.
    expect(registered.map((body) => 'toolkit_hash' in body)).toEqual([false, false, false, true])
  })

  it('tells of tools that are added later, and answers for those that are gone', async () => {
    const client = makeToolkit()
    await client.start()
    client.registerTool({ name: 'late', description: 'Came late' }, () => 'late')
    await client.whenRegistered()
    const llm = makeLlm()
    await expect(llm.call({ toolkitId: 'math', tool: 'late' })).resolves.toBe('late')
    client.removeTool('late')
    await client.whenRegistered()
    await expect(llm.call({ toolkitId: 'math', tool: 'late' })).rejects.toMatchObject({ message: /no tool "late"/ })
  })

  it('serves a key whose toolkit its first tool makes, also when it starts without one', async () => {
    const apiKey = server.createToolkitKey()
    toolkitKey = apiKey
    const client = new ToolKitClient({ baseUrl: server.baseUrl, apiKey, appName: 'empty', logger })
    closing.push(() => client.stop())
    await client.start()
    client.registerTool({ name: 'first', description: 'The first' }, () => 1)
    await client.whenRegistered()
    await expect(makeLlm().call({ toolkitId: 'empty', tool: 'first' })).resolves.toBe(1)
  })

  it('is refused with a wrong key, which no message repeats', async () => {
    toolkitKey = 'a-wrong-key'
    const client = makeToolkit()
    await expect(client.start()).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.not.stringContaining('a-wrong-key'),
    })
    expect(client.state).toBe('refused')
  })

  it('does not fall back when told not to', async () => {
    const client = makeToolkit({ legacyFallback: false })
    const retrying = Promise.withResolvers<unknown>()
    client.on('reconnecting', ({ error }) => retrying.resolve(error))
    client.start().catch(() => {})
    await expect(retrying.promise).resolves.toMatchObject({ code: 'connection_failed', details: { status: 404 } })
    await client.stop()
    await expect(makeLlm({ legacyFallback: false }).getToolkitContext({ toolkitId: 'math' })).rejects.toMatchObject({
      code: 'connection_failed',
    })
    expect(server.seen.filter((line) => line.includes('v1'))).toEqual([])
  })

  it('speaks the founding wire from the start when told so', async () => {
    await makeToolkit({ legacyFallback: 'always' }).start()
    await expect(
      makeLlm({ legacyFallback: 'always' }).call({ toolkitId: 'math', tool: 'add', params: { a: 2, b: 2 } }),
    ).resolves.toBe(4)
    expect(server.seen.filter((line) => line.includes('v2'))).toEqual([])
  })
})

describe('a founding server that restarts', () => {
  it('gets both clients back, and is not asked for protocol 2 each time', async () => {
    const client = makeToolkit()
    await client.start()
    const llm = makeLlm({ reconnectTimeoutMs: 15_000 })
    const add = () => llm.call({ toolkitId: 'math', tool: 'add', params: { a: 20, b: 1 } })
    await expect(add()).resolves.toBe(21)
    const { port } = new URL(server.baseUrl)
    const { state } = server
    const disconnected = new Promise((resolve) => client.on('disconnected', resolve))
    await server.stop()
    await disconnected
    server = await startFoundingServer({ state, port: Number(port) })
    await expect.poll(() => client.state).toBe('connected')
    await expect.poll(() => add().catch(String)).toBe(21)
    expect(server.seen.filter((line) => line.includes('/ws/v2/'))).toEqual([])
    expect(server.seen).not.toContain('POST /api/v1/register_tool')
  })

  it('fails calls under way at once instead of letting them wait', async () => {
    const client = makeToolkit({ drainTimeoutMs: 0 })
    const running = Promise.withResolvers<void>()
    client.registerTool({ name: 'slow', description: 'Slow' }, (_args, { signal }) => {
      running.resolve()
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    await client.start()
    const calling = makeLlm().call({ toolkitId: 'math', tool: 'slow' })
    const lost = expect(calling).rejects.toMatchObject({ code: 'connection_closed' })
    await running.promise
    await server.stop()
    await lost
  })
})
