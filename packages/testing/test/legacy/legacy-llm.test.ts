import { describe, expect, it, vi } from 'vitest'
import { LegacyBreak, LegacyLlm, LegacyRefusal, type SdkVersion } from '../../src/legacy/index.ts'
import { type LyingServer, say, startLyingServer } from './support/lying-server.ts'

const call = { toolkitId: 'app', tool: 'echo' }
const good = (request_id: unknown) => ({
  ...{ type: 'task_response', request_id, status: 'success', payload: { result: 1 } },
  result: { tool: { name: 'echo', result: 1 } },
})

/** A server that accepts every key and answers each request with what a test makes of it. */
function startSocketServer(answer: (message: Record<string, unknown>) => unknown): Promise<LyingServer> {
  return startLyingServer({
    socket: (socket) =>
      socket.on('message', (data) => {
        const message = JSON.parse(data.toString()) as Record<string, unknown>
        say(socket, message.type === 'auth' ? { type: 'auth_response', success: true } : answer(message))
      }),
  })
}

function startHttpServer(status: number, answer: (message: Record<string, unknown>) => string): Promise<LyingServer> {
  return startLyingServer({
    http: (_path, body) => ({ status, text: answer(JSON.parse(body || '{}') as Record<string, unknown>) }),
  })
}

function llmOf(server: LyingServer, version: SdkVersion, protocol: 'ws' | 'http' = 'ws'): LegacyLlm {
  return new LegacyLlm({ baseUrl: server.baseUrl, apiKey: 'key', version, protocol, timeoutMs: 5_000 })
}

describe('an answer that a release cannot read', () => {
  it.each([
    ['0.2.5', 'the wrong type', { type: 'error' }, 'its call hangs'],
    ['0.1.7', 'no payload', { payload: undefined }, 'payload.result'],
    ['0.2.0', 'no top-level result', { result: undefined }, 'result.tool'],
    ['0.2.1', 'no result.tool', { result: { result: 1 } }, 'result.tool'],
    ['0.2.5', 'the status "error"', { status: 'error', message: 'no' }, 'shows the model {}'],
  ] as const)('breaks the call of SDK %s: %s', async (version, _what, wrong, message) => {
    await using server = await startSocketServer(({ request_id }) => ({ ...good(request_id), ...wrong }))
    await using llm = llmOf(server, version)
    const error = await llm.callTool(call).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(LegacyBreak)
    expect((error as Error).message).toContain(message)
  })

  it.each([
    ['0.1.7', { result: 1 }],
    ['0.2.0', { tool: { name: 'echo', result: 1 } }],
    ['0.2.1', 1],
    ['0.2.5', 1],
  ] as const)('is the exception: SDK %s returns %j', async (version, returned) => {
    await using server = await startSocketServer(({ request_id }) => good(request_id))
    await using llm = llmOf(server, version)
    expect(await llm.callTool(call)).toMatchObject({ returned, result: 1 })
  })

  it('breaks a context of 0.1.4 without payload.context', async () => {
    await using server = await startSocketServer(({ request_id }) => {
      return { type: 'toolkit_context', request_id, payload: { tools: [] } }
    })
    await using old = llmOf(server, '0.1.4')
    await expect(old.getToolkitContext({ toolkitId: 'app' })).rejects.toThrow('needs a text payload.context')
    await using later = llmOf(server, '0.1.5')
    expect(await later.getToolkitContext({ toolkitId: 'app' })).toEqual({ tools: [] })
  })

  it('breaks a context of 0.1.5 over HTTP whose tools have no member "function"', async () => {
    await using server = await startHttpServer(200, ({ request_id }) => {
      return JSON.stringify({ type: 'toolkit_context', request_id, payload: { tools: [{ name: 'echo' }] } })
    })
    await using old = llmOf(server, '0.1.5', 'http')
    await expect(old.getToolkitContext({ toolkitId: 'app' })).rejects.toThrow('lack a member "function"')
    await using later = llmOf(server, '0.1.8', 'http')
    expect(await later.getToolkitContext({ toolkitId: 'app' })).toMatchObject({ tools: [{ name: 'echo' }] })
  })

  it('is a problem when it answers nothing that was asked', async () => {
    await using server = await startSocketServer(() => good('another'))
    const llm = new LegacyLlm({ baseUrl: server.baseUrl, apiKey: 'key', timeoutMs: 300 })
    await expect(llm.callTool(call)).rejects.toThrow('no task_response came within 300 ms')
    expect(llm.takeProblems().join()).toContain('answers nothing it asked for')
    await llm.close()
  })

  it('fails pending calls when the socket ends', async () => {
    await using server = await startLyingServer({
      socket: (socket) =>
        socket.on('message', (data) => {
          if (data.toString().includes('"auth"')) say(socket, { type: 'auth_response', success: true })
          else socket.terminate()
        }),
    })
    await using llm = llmOf(server, '0.2.5')
    await expect(llm.callTool(call)).rejects.toThrow('the socket closed with 1006')
  })
})

describe('authentication', () => {
  it('comes first, with the key', async () => {
    const first = vi.fn()
    await using server = await startLyingServer({
      socket: (socket) =>
        socket.once('message', (data) => {
          first(JSON.parse(data.toString()))
          socket.close()
        }),
    })
    await using llm = llmOf(server, '0.2.5')
    await expect(llm.connect()).rejects.toBeInstanceOf(LegacyRefusal)
    expect(first).toHaveBeenCalledWith({ type: 'auth', api_key: 'key' })
  })

  it('breaks when something else is answered first', async () => {
    await using server = await startLyingServer({ socket: (socket) => say(socket, { type: 'welcome' }) })
    await using llm = llmOf(server, '0.2.5')
    await expect(llm.connect()).rejects.toThrow('not auth_response')
  })

  it.each([
    ['0.1.3', '', '/ws/v1/atp/llm-client'],
    ['0.1.4', '', '/ws/v1/atp/llm-client/key/'],
    ['0.2.5', '/', '/ws/v1/atp/llm-client/key/'],
    ['0.1.2', '/ws/v1/atp/llm-client/', '/ws/v1/atp/llm-client'],
    ['0.1.7', '/ws/v1/atp/llm-client/', '/ws/v1/atp/llm-client/key/'],
  ] as const)('SDK %s with a base URL that ends in "%s" goes to %s', async (version, base, path) => {
    await using server = await startLyingServer({})
    await using llm = new LegacyLlm({ baseUrl: server.baseUrl + base, apiKey: 'key', version })
    await expect(llm.connect()).rejects.toMatchObject({ status: 401 })
    expect(server.seen).toEqual([`UPGRADE ${path}`])
  })
})

describe('over HTTP', () => {
  it('a call that is not answered with 2xx shows the model nothing, a context raises', async () => {
    await using server = await startHttpServer(502, () => '{"error": "no"}')
    await using llm = llmOf(server, '0.2.5', 'http')
    await expect(llm.callTool(call)).rejects.toThrow('the model is shown {}')
    await expect(llm.getToolkitContext({ toolkitId: 'app' })).rejects.toMatchObject({ status: 502 })
  })

  it.each([
    ['0.1.5', 'Bearer key'],
    ['0.1.7', undefined],
    ['0.1.8', 'Bearer key'],
    ['0.2.1', 'Bearer key'],
    ['0.2.2', 'ApiKey key'],
    ['0.2.5', 'ApiKey key'],
  ] as const)('SDK %s sends the header %s', async (version, header) => {
    const seen: unknown[] = []
    await using server = await startLyingServer({
      http(_path, body, headers) {
        seen.push(headers.authorization)
        return { status: 200, text: JSON.stringify(good((JSON.parse(body) as { request_id: string }).request_id)) }
      },
    })
    await llmOf(server, version, 'http').callTool(call)
    expect(seen).toEqual([header])
  })

  it.each([
    ['data: ', true],
    ['data:', false],
  ])('events whose lines begin with "%s" can be read: %s', async (prefix, readable) => {
    await using server = await startHttpServer(200, ({ request_id }) => {
      return `: heartbeat\n\n${prefix}${JSON.stringify({ partial: 1 })}\n\n${prefix}${JSON.stringify(good(request_id))}\n\n`
    })
    await using llm = llmOf(server, '0.2.5', 'http')
    const reading = llm.callToolStreaming(call)
    if (readable) expect(await reading).toMatchObject({ result: 1, events: [{ partial: 1 }, { status: 'success' }] })
    else await expect(reading).rejects.toThrow('needs a space')
  })

  it('a stream without events breaks', async () => {
    await using server = await startHttpServer(200, () => ': nothing\n\n')
    await using llm = llmOf(server, '0.2.5', 'http')
    await expect(llm.callToolStreaming(call)).rejects.toBeInstanceOf(LegacyBreak)
  })
})
