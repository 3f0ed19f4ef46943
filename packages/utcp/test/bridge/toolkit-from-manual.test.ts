import { AtpError, createFetchHandler, silentLogger, Toolkit } from '@atp/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ManualBridge } from '../../src/bridge/manual-bridge.ts'
import { toolkitFromManual } from '../../src/bridge/toolkit-from-manual.ts'
import { UtcpError } from '../../src/index.ts'
import { toolOf } from '../support/fake-protocol.ts'
import { clientOf, run } from './bridged-toolkit.ts'

afterEach(() => {
  vi.useRealTimers()
})

const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }

describe('a toolkit of a manual', () => {
  it('has its tools, with all that the manual says of them', async () => {
    const outputs = { type: 'object', properties: { sky: { type: 'string' } } }
    const { client } = await clientOf([
      toolOf('today', { description: 'The weather', inputs: city, outputs, tags: ['weather', 'x'.repeat(200)] }),
    ])
    const toolkit = await toolkitFromManual(client, 'm', { caption: 'Weather' })
    expect([toolkit.appName, toolkit.caption]).toEqual(['m', 'Weather'])
    const tool = toolkit.registeredTools.get('today')
    expect(tool).toMatchObject({
      ...{ name: 'today', description: 'The weather', inputSchema: city, outputSchema: outputs, auth: null },
    })
    expect(tool?.tags).toEqual(['weather', `${'x'.repeat(127)}…`])
  })

  it('is served by the routes, which check arguments and return results', async () => {
    const { client, protocol } = await clientOf([toolOf('cities.find', { inputs: city })])
    const handle = createFetchHandler(await toolkitFromManual(client, 'm'), { authorize: 'public' })
    const post = async (body: unknown) => {
      const init = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
      const response = await handle(new Request('http://local/atp/m/cities--find/', init))
      return [response.status, await response.json()]
    }
    expect(await post({ city: 'Rome' })).toEqual([200, { result: { city: 'Rome' } }])
    expect(await post({ city: 7 })).toMatchObject([400, { code: 'invalid_params' }])
    expect(await post({})).toMatchObject([400, { code: 'missing_params' }])
    expect(protocol.calls.map(({ toolName }) => toolName)).toEqual(['m.cities.find'])
  })

  it('describes results without refusing those that do not fit', async () => {
    const { client, protocol } = await clientOf([toolOf('today', { outputs: { type: 'object', required: ['sky'] } })])
    protocol.answer = () => 'clear'
    const toolkit = await toolkitFromManual(client, 'm')
    expect(toolkit.registeredTools.get('today')?.outputSchema).toEqual({ type: 'object', required: ['sky'] })
    expect(await run(toolkit, 'today')).toEqual({ ok: true, result: 'clear' })
  })

  it.each([
    [undefined, { properties: { a: { type: 'string' } } }],
    ['an object or null', { type: ['object', 'null'], properties: { a: { type: 'string' } } }],
  ])('takes arguments whose type is %s for an object', async (_, inputs) => {
    const { client } = await clientOf([toolOf('t', { inputs })])
    const toolkit = await toolkitFromManual(client, 'm')
    expect(toolkit.registeredTools.get('t')?.inputSchema).toEqual({ ...inputs, type: 'object' })
  })

  it('reads lists under items as draft 7 does', async () => {
    const pair = { type: 'array', items: [{ type: 'string' }, { type: 'number' }], additionalItems: false }
    const { client } = await clientOf([toolOf('t', { inputs: { type: 'object', properties: { pair } } })])
    const toolkit = await toolkitFromManual(client, 'm')
    expect(await run(toolkit, 't', { pair: ['a', 1] })).toEqual({ ok: true, result: { pair: ['a', 1] } })
    expect(await run(toolkit, 't', { pair: ['a', 'b'] })).toMatchObject({ error: { code: 'invalid_params' } })
    expect(await run(toolkit, 't', { pair: ['a', 1, 2] })).toMatchObject({ error: { code: 'invalid_params' } })
  })

  it('does without a schema that cannot be used, not without its tool', async () => {
    const properties = { a: { $ref: '#/$defs/nowhere', description: 'A' }, b: { type: 'integer' } }
    const { client } = await clientOf([toolOf('t', { inputs: { type: 'object', properties, required: ['b'] } })])
    const toolkit = await toolkitFromManual(client, 'm')
    const plain = { type: 'object', properties: { a: { description: 'A' }, b: { type: 'integer' } }, required: ['b'] }
    expect(toolkit.registeredTools.get('t')?.inputSchema).toEqual(plain)
    expect(await run(toolkit, 't', { a: 1, b: 2 })).toMatchObject({ ok: true })
  })

  it('checks patterns without backtracking, and fails calls of tools whose patterns nothing can check so', async () => {
    const inputs = (pattern: string) => ({ type: 'object', properties: { a: { type: 'string', pattern } } })
    const { client, protocol } = await clientOf([
      toolOf('t', { inputs: inputs('^(a+)+$') }),
      toolOf('u', { inputs: inputs('(?=a)') }),
    ])
    const toolkit = await toolkitFromManual(client, 'm')
    expect(await run(toolkit, 't', { a: `${'a'.repeat(1_000)}!` })).toMatchObject({ error: { code: 'invalid_params' } })
    expect(protocol.calls).toEqual([])
    expect(await run(toolkit, 't', { a: 'aaa' })).toMatchObject({ ok: true })
    expect(await run(toolkit, 'u', { a: 'a' })).toMatchObject({
      error: { code: 'tool_error', details: { utcp_code: 'invalid_schema' } },
    })
    expect(protocol.calls).toHaveLength(1)
  })

  it('leaves out what ATP cannot have, says so, and has the others', async () => {
    const warn = vi.fn()
    const { client } = await clientOf([
      toolOf('keyed', { inputs: { type: 'object', properties: { api_key: { type: 'string' } } } }),
      toolOf('fine'),
    ])
    const toolkit = new Toolkit({ appName: 'own', logger: { ...silentLogger, warn } })
    const bridge = await ManualBridge.open(client, 'm', toolkit)
    expect([...toolkit.registeredTools.keys()]).toEqual(['fine'])
    expect(bridge.leftOut).toEqual([{ tool: 'm.keyed', reason: expect.stringContaining('"api_key"') }])
    expect(warn).toHaveBeenCalledWith('utcp.tool_left_out', expect.objectContaining({ tool: 'm.keyed' }))
  })

  it('is not made of a manual that is not there', async () => {
    const { client } = await clientOf([])
    await expect(toolkitFromManual(client, 'other')).rejects.toMatchObject({ code: 'manual_not_found' })
  })
})

describe('what a bridged tool answers', () => {
  it('keeps what the failure says: whether to try again, the code, the status', async () => {
    const { client, protocol } = await clientOf([toolOf('t')])
    const toolkit = await toolkitFromManual(client, 'm')
    protocol.answer = () => {
      throw new UtcpError('http_error', 'Too many requests', { status: 429, retryable: true, retryAfterMs: 1_500 })
    }
    expect(await run(toolkit, 't')).toEqual({
      ok: false,
      error: {
        ...{ code: 'tool_error', message: 'Too many requests', retryable: true },
        details: { utcp_code: 'http_error', status: 429, retry_after_ms: 1_500 },
      },
    })
    protocol.answer = () => {
      throw new AtpError('egress_refused', 'No way out')
    }
    expect(await run(toolkit, 't')).toMatchObject({
      error: { retryable: false, details: { utcp_code: 'egress_refused' } },
    })
  })

  it('hides messages where the toolkit hides them', async () => {
    const { client, protocol } = await clientOf([toolOf('t')])
    const toolkit = await toolkitFromManual(client, 'm', { exposeErrors: false })
    protocol.answer = () => {
      throw new UtcpError('connection_failed', 'db-7.internal refused')
    }
    const failed = await run(toolkit, 't')
    expect(failed).toMatchObject({ error: { message: 'The tool failed (connection_failed)', retryable: true } })
    expect(JSON.stringify(failed)).not.toContain('db-7')
  })

  it('ends the call behind it when the deadline of the caller passes', async () => {
    vi.useFakeTimers()
    const { client, protocol } = await clientOf([toolOf('t')])
    const toolkit = await toolkitFromManual(client, 'm')
    let reason: unknown
    protocol.answer = ({ context }) =>
      new Promise((_, reject) => {
        context.signal.addEventListener('abort', () => {
          reason = context.signal.reason
          reject(context.signal.reason)
        })
      })
    const called = run(toolkit, 't', {}, { timeoutMs: 500 })
    await vi.advanceTimersByTimeAsync(501)
    expect(await called).toMatchObject({ error: { code: 'deadline_exceeded', retryable: true } })
    expect(reason).toMatchObject({ code: 'cancelled' })
  })

  it('ends the call behind it when the caller cancels', async () => {
    const { client, protocol } = await clientOf([toolOf('t')])
    const toolkit = await toolkitFromManual(client, 'm')
    const started = Promise.withResolvers<AbortSignal>()
    protocol.answer = ({ context }) => {
      started.resolve(context.signal)
      return new Promise(() => {})
    }
    const stop = new AbortController()
    const called = run(toolkit, 't', {}, { signal: stop.signal })
    const signal = await started.promise
    stop.abort()
    expect(await called).toMatchObject({ error: { code: 'cancelled' } })
    expect(signal.aborted).toBe(true)
  })

  it('fails with the very reason that its signal gives, as the run path wants it', async () => {
    const { client } = await clientOf([toolOf('t')])
    const tool = (await toolkitFromManual(client, 'm')).registeredTools.get('t')
    const reason = new AtpError('deadline_exceeded', 'Too late')
    const context = { ...{ signal: AbortSignal.abort(reason), callId: 'c', authToken: undefined, env: undefined } }
    const called = (async () =>
      tool?.handler({} as never, { ...context, principal: undefined, logger: silentLogger, progress: () => {} }))()
    await expect(called).rejects.toBe(reason)
  })

  it("keeps the bridge's own time limit, which is also the call's", async () => {
    vi.useFakeTimers()
    const { client, protocol } = await clientOf([toolOf('t')], { timeoutMs: 1_000 })
    const toolkit = await toolkitFromManual(client, 'm', { timeoutMs: 5_000 })
    expect(toolkit.registeredTools.get('t')?.timeoutMs).toBe(5_000)
    let leftMs: number | undefined
    protocol.answer = ({ context }) => {
      leftMs = context.timeoutMs
      return null
    }
    expect(await run(toolkit, 't')).toMatchObject({ ok: true })
    expect(leftMs).toBeGreaterThan(1_000)
  })

  it('makes text of bytes where they are text, else base64', async () => {
    const { client, protocol } = await clientOf([toolOf('t')])
    const toolkit = await toolkitFromManual(client, 'm')
    protocol.answer = () => new TextEncoder().encode('grün')
    expect(await run(toolkit, 't')).toEqual({ ok: true, result: 'grün' })
    protocol.answer = () => new Uint8Array([0xff, 0x00])
    expect(await run(toolkit, 't')).toEqual({ ok: true, result: { base64: '/wA=' } })
  })
})

describe('a bridged tool with a stream', () => {
  const stream = toolOf('ticks', { tool_call_template: { call_template_type: 'sse', url: 'https://a.example' } })

  it('passes pieces on as they come, and their list as the result', async () => {
    const { client, protocol } = await clientOf([stream])
    protocol.stream = async function* () {
      yield { n: 1 }
      yield { n: 2 }
    }
    const handle = createFetchHandler(await toolkitFromManual(client, 'm'), { authorize: 'public' })
    const headers = { accept: 'text/event-stream', 'content-type': 'application/json' }
    const response = await handle(new Request('http://local/atp/m/ticks/', { method: 'POST', body: '{}', headers }))
    const events = await response.text()
    expect(events.indexOf('{"n":1}')).toBeGreaterThan(-1)
    expect(events.indexOf('{"n":2}')).toBeGreaterThan(events.indexOf('{"n":1}'))
    expect(events).toContain('[{"n":1},{"n":2}]')
  })

  it('makes text of bytes, whose characters may be split, and loses none at the end', async () => {
    const { client, protocol } = await clientOf([stream])
    const toolkit = await toolkitFromManual(client, 'm')
    const [first, ...rest] = new TextEncoder().encode('ü€')
    protocol.stream = async function* () {
      yield new Uint8Array([first ?? 0])
      yield new Uint8Array(rest.slice(0, -1))
    }
    expect(await run(toolkit, 'ticks')).toEqual({ ok: true, result: ['ü', { base64: '4oI=' }] })
  })

  it('asks for nothing further once its caller has left', async () => {
    const { client, protocol } = await clientOf([stream])
    const toolkit = await toolkitFromManual(client, 'm')
    const ended = Promise.withResolvers<void>()
    protocol.stream = async function* () {
      try {
        for (let n = 0; ; n += 1) yield n
      } finally {
        ended.resolve()
      }
    }
    const stop = new AbortController()
    const chunks: unknown[] = []
    const onChunk = (chunk: unknown) => {
      chunks.push(chunk)
      if (chunks.length === 3) stop.abort()
    }
    expect(await run(toolkit, 'ticks', {}, { signal: stop.signal, onChunk })).toMatchObject({
      error: { code: 'cancelled' },
    })
    await ended.promise
    expect(chunks).toEqual([0, 1, 2])
  })

  it('keeps what a failure in the middle says', async () => {
    const { client, protocol } = await clientOf([stream])
    const toolkit = await toolkitFromManual(client, 'm')
    protocol.stream = async function* () {
      yield 1
      throw new UtcpError('connection_failed', 'gone')
    }
    expect(await run(toolkit, 'ticks')).toMatchObject({
      error: { message: 'gone', retryable: true, details: { utcp_code: 'connection_failed' } },
    })
  })
})
