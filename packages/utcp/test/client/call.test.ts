import { AtpError } from '@atp/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { filterDict, UtcpClient, type UtcpClientConfig, type UtcpClientOptions, UtcpError } from '../../src/index.ts'
import { FakeProtocol, manualOf, toolOf } from '../support/fake-protocol.ts'
import { gate } from '../support/gate.ts'

const template = { name: 'm', call_template_type: 'fake' }
const http = { code: 'http_error', status: 503, retryable: true } as const
const unavailable = (): UtcpError => new UtcpError(http.code, 'unavailable', { status: 503, retryable: true })

async function clientWith(
  protocol: FakeProtocol,
  options: UtcpClientOptions = {},
  config: UtcpClientConfig = {},
): Promise<UtcpClient> {
  return UtcpClient.create(
    { manual_call_templates: [template], ...config },
    { protocols: [protocol], environment: {}, retry: { random: () => 0 }, ...options },
  )
}

afterEach(() => {
  vi.useRealTimers()
})

describe('callTool', () => {
  it.each(['nothing', 'm', 'm.', 'm.nope', 'other.a', '', '.a', 'm.__proto__', 'constructor'])(
    'says that there is no tool %j',
    async (name) => {
      const client = await clientWith(new FakeProtocol(manualOf([toolOf('a')])))
      await expect(client.callTool(name)).rejects.toMatchObject({ code: 'tool_not_found' })
    },
  )

  it('fills in variables at the time of the call, with the manual’s namespace', async () => {
    const environment: Record<string, string> = { m_KEY: 'first' }
    const auth = { auth_type: 'api_key', api_key: 'Bearer $KEY', var_name: 'Authorization' }
    const protocol = new FakeProtocol(
      manualOf([toolOf('a', { tool_call_template: { call_template_type: 'fake', auth } })]),
    )
    const client = await clientWith(protocol, { environment })
    await client.callTool('m.a')
    environment.m_KEY = 'second'
    await client.callTool('m.a')
    expect(protocol.calls.map(({ template: { auth: used } }) => used?.api_key)).toEqual([
      'Bearer first',
      'Bearer second',
    ])
    delete environment.m_KEY
    await expect(client.callTool('m.a')).rejects.toMatchObject({ code: 'variable_not_found', variableName: 'm_KEY' })
    expect(protocol.calls).toHaveLength(2)
  })

  it('refuses a protocol that the manual no longer allows', async () => {
    const other = new FakeProtocol(manualOf([]), ['other'])
    const tool = toolOf('a', { tool_call_template: { call_template_type: 'other' } })
    const open = { ...template, allowed_communication_protocols: ['other'] }
    const client = await clientWith(new FakeProtocol(manualOf([tool])), {}, { manual_call_templates: [] })
    await client.close()
    const both = await UtcpClient.create(
      { manual_call_templates: [open] },
      { protocols: [new FakeProtocol(manualOf([tool])), other] },
    )
    await both.callTool('m.a')
    const manual = await both.repository.getManual('m')
    await both.repository.saveManual(template, manual as never)
    await expect(both.callTool('m.a')).rejects.toMatchObject({ code: 'protocol_not_allowed' })
    expect(other.calls).toHaveLength(1)
  })

  it('checks arguments against the schema, unless told not to', async () => {
    const inputs = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
    const protocol = new FakeProtocol(manualOf([toolOf('a', { inputs })]))
    const client = await clientWith(protocol)
    const error = await client.callTool('m.a', { city: 5 }).catch((caught) => caught)
    expect(error).toMatchObject({ code: 'invalid_arguments', details: { issues: [{ path: 'city' }] } })
    await expect(client.callTool('m.a')).rejects.toMatchObject({ code: 'invalid_arguments' })
    await expect(client.callTool('m.a', [] as never)).rejects.toMatchObject({ code: 'invalid_arguments' })
    expect(protocol.calls).toEqual([])
    expect(await client.callTool('m.a', { city: 'Rome' })).toEqual({ city: 'Rome' })
    const lenient = await clientWith(protocol, { validateInput: false })
    expect(await lenient.callTool('m.a', { city: 5 })).toEqual({ city: 5 })
  })

  it('calls a tool whose schema nobody can use, and says so once', async () => {
    const warn = vi.fn()
    const inputs = { type: 'object', properties: { a: { $ref: 'https://elsewhere.example/schema' } } }
    const client = await clientWith(new FakeProtocol(manualOf([toolOf('a', { inputs })])), {
      logger: { debug() {}, info() {}, warn, error() {} },
    })
    await client.callTool('m.a', { a: 1 })
    await client.callTool('m.a', { a: 2 })
    expect(warn).toHaveBeenCalledExactlyOnceWith('utcp.schema_unusable', expect.objectContaining({ tool: 'm.a' }))
  })

  it('is done with arguments that keep a backtracking engine for years, in texts and in names', async () => {
    const pattern = '^(a+)+$'
    const inputs = {
      type: 'object',
      properties: { word: { type: 'string', pattern } },
      patternProperties: { [pattern]: {} },
    }
    const protocol = new FakeProtocol(manualOf([toolOf('a', { inputs, outputs: inputs })]))
    const client = await clientWith(protocol, { validateOutput: true })
    const hostile = `${'a'.repeat(1_000)}!`
    await expect(client.callTool('m.a', { word: hostile })).rejects.toMatchObject({
      code: 'invalid_arguments',
      details: { issues: [{ path: 'word' }] },
    })
    expect(await client.callTool('m.a', { word: 'aaa', [hostile]: 1 })).toEqual({ word: 'aaa', [hostile]: 1 })
    protocol.answer = () => ({ word: hostile })
    await expect(client.callTool('m.a', { word: 'aaa' })).rejects.toMatchObject({ code: 'invalid_result' })
  })

  it('refuses the call of a tool with a pattern that cannot be run safely, and keeps the tool and the others', async () => {
    const inputs = { type: 'object', properties: { city: { type: 'string', pattern: '^(?=R).*$' } } }
    const protocol = new FakeProtocol(manualOf([toolOf('a', { inputs }), toolOf('b')]))
    const client = await clientWith(protocol)
    expect(await client.repository.getTools()).toHaveLength(2)
    await client.callTool('m.b')
    for (let time = 0; time < 2; time += 1) {
      await expect(client.callTool('m.a', { city: 'Rome' })).rejects.toMatchObject({
        code: 'invalid_schema',
        path: 'inputs.properties.city',
        message: expect.stringContaining('"^(?=R).*$" at "#/properties/city"'),
      })
    }
    expect(protocol.calls).toHaveLength(1)
    const lenient = await clientWith(protocol, { validateInput: false })
    expect(await lenient.callTool('m.a', { city: 'Rome' })).toEqual({ city: 'Rome' })
  })

  it('reads lists of schemas under items as draft 7 does', async () => {
    const inputs = {
      type: 'object',
      properties: { pair: { type: 'array', items: [{ type: 'string' }, { type: 'number' }] } },
    }
    const client = await clientWith(new FakeProtocol(manualOf([toolOf('a', { inputs })])))
    expect(await client.callTool('m.a', { pair: ['x', 1] })).toEqual({ pair: ['x', 1] })
    await expect(client.callTool('m.a', { pair: [1, 'x'] })).rejects.toMatchObject({ code: 'invalid_arguments' })
  })

  it('checks results only when asked to', async () => {
    const outputs = { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] }
    const protocol = new FakeProtocol(manualOf([toolOf('a', { outputs })]))
    protocol.answer = () => ({ ok: 'yes' })
    expect(await (await clientWith(protocol)).callTool('m.a')).toEqual({ ok: 'yes' })
    const strict = await clientWith(protocol, { validateOutput: true })
    await expect(strict.callTool('m.a')).rejects.toMatchObject({ code: 'invalid_result' })
  })

  it('passes errors of a protocol on, and wraps those of others', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    const client = await clientWith(protocol)
    const own = new UtcpError('http_error', 'HTTP 404', { status: 404, body: { error: 'gone' } })
    protocol.answer = () => Promise.reject(own)
    await expect(client.callTool('m.a')).rejects.toBe(own)
    const foreign = new Error('socket hang up')
    protocol.answer = () => {
      throw foreign
    }
    await expect(client.callTool('m.a')).rejects.toMatchObject({
      code: 'call_failed',
      cause: foreign,
      retryable: false,
    })
    protocol.answer = () =>
      Promise.reject(new AtpError('egress_refused', 'private address', { details: { rule: 'E3' } }))
    await expect(client.callTool('m.a')).rejects.toMatchObject({ code: 'egress_refused', details: { rule: 'E3' } })
  })

  it('ends a call after its time even if the protocol goes on', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    protocol.answer = () => new Promise(() => {})
    const client = await clientWith(protocol)
    const call = client.callTool('m.a', {}, { timeoutMs: 20 })
    await expect(call).rejects.toMatchObject({ code: 'timeout', retryable: true })
    expect(protocol.calls[0]?.context.signal.aborted).toBe(true)
    expect(protocol.calls[0]?.context.timeoutMs).toBeLessThanOrEqual(20)
    await expect(client.callTool('m.a', {}, { timeoutMs: 0 })).rejects.toMatchObject({ code: 'invalid_arguments' })
  })

  it('ends a call when its caller gives up, and does not begin one that was given up before', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    protocol.answer = () => new Promise(() => {})
    const client = await clientWith(protocol)
    const abort = new AbortController()
    const call = client.callTool('m.a', {}, { signal: abort.signal })
    await vi.waitFor(() => expect(protocol.calls).toHaveLength(1))
    abort.abort('enough')
    await expect(call).rejects.toMatchObject({ code: 'cancelled', cause: 'enough' })
    const never = client.callTool('m.a', {}, { signal: abort.signal })
    await expect(never).rejects.toMatchObject({ code: 'cancelled' })
    expect(protocol.calls).toHaveLength(1)
  })

  it('runs as many calls at once as it may, queues others in order, and refuses more', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    const gates = [gate<number>(), gate<number>(), gate<number>()]
    protocol.answer = ({ args }) => gates[args.index as number]?.passed
    const client = await clientWith(protocol, { maxConcurrency: 1, maxQueued: 2 })
    const abort = new AbortController()
    const first = client.callTool('m.a', { index: 0 })
    await vi.waitFor(() => expect(protocol.calls).toHaveLength(1))
    const left = client.callTool('m.a', { index: 1 }, { signal: abort.signal })
    const second = client.callTool('m.a', { index: 2 })
    await expect(client.callTool('m.a', { index: 1 })).rejects.toMatchObject({ code: 'busy', retryable: true })
    abort.abort()
    await expect(left).rejects.toMatchObject({ code: 'cancelled' })
    gates[0]?.open(10)
    gates[2]?.open(30)
    expect(await Promise.all([first, second])).toEqual([10, 30])
    expect(protocol.calls.map(({ args }) => args.index)).toEqual([0, 2])
  })

  it('keeps the slot of a protocol that does not stop until it does', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    const stuck = gate<string>()
    protocol.answer = ({ args }) => (args.stuck ? stuck.passed : 'done')
    const client = await clientWith(protocol, { maxConcurrency: 1 })
    const late = client.callTool('m.a', { stuck: true }, { timeoutMs: 20 })
    await expect(late).rejects.toMatchObject({ code: 'timeout' })
    const waiting = client.callTool('m.a', {}, { timeoutMs: 40 })
    await expect(waiting).rejects.toMatchObject({ code: 'timeout' })
    stuck.open('at last')
    expect(await client.callTool('m.a')).toBe('done')
  })
})

describe('retries', () => {
  it('repeat a call that may be repeated, while the failure says that it helps', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    protocol.idempotent = true
    protocol.answer = () => (protocol.calls.length < 3 ? Promise.reject(unavailable()) : 'fine')
    const client = await clientWith(protocol)
    expect(await client.callTool('m.a')).toBe('fine')
    expect(protocol.calls).toHaveLength(3)
  })

  it('end after their number, with the last failure', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    protocol.idempotent = true
    protocol.answer = () => Promise.reject(unavailable())
    await expect((await clientWith(protocol)).callTool('m.a')).rejects.toMatchObject(http)
    expect(protocol.calls).toHaveLength(3)
    const never = await clientWith(protocol, { retry: { attempts: 0 } })
    await expect(never.callTool('m.a')).rejects.toMatchObject(http)
    expect(protocol.calls).toHaveLength(4)
  })

  it('never repeat what may not be repeated, nor what will not help', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    protocol.answer = () => Promise.reject(unavailable())
    const client = await clientWith(protocol)
    await expect(client.callTool('m.a')).rejects.toMatchObject(http)
    expect(protocol.calls).toHaveLength(1)
    await expect(client.callTool('m.a', {}, { idempotent: true })).rejects.toMatchObject(http)
    expect(protocol.calls).toHaveLength(4)
    protocol.idempotent = true
    protocol.answer = () => Promise.reject(new UtcpError('http_error', 'HTTP 400', { status: 400 }))
    await expect(client.callTool('m.a')).rejects.toMatchObject({ status: 400 })
    expect(protocol.calls).toHaveLength(5)
    await expect(client.callTool('m.a', {}, { idempotent: false })).rejects.toMatchObject({ status: 400 })
  })

  it('wait with full jitter, at least as long as the server asked, and never beyond the call’s time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    protocol.idempotent = true
    const times: number[] = []
    const retryAfterMs = [undefined, 5_000]
    protocol.answer = () => {
      times.push(performance.now())
      const after = retryAfterMs[times.length - 1]
      return Promise.reject(
        new UtcpError('http_error', 'busy', {
          retryable: true,
          ...(after === undefined ? {} : { retryAfterMs: after }),
        }),
      )
    }
    const client = await clientWith(protocol, { retry: { random: () => 0.5, baseMs: 1_000 } })
    const call = expect(client.callTool('m.a')).rejects.toMatchObject({ code: 'http_error' })
    await vi.advanceTimersByTimeAsync(20_000)
    await call
    expect(times.map((time) => Math.round(time - (times[0] ?? 0)))).toEqual([0, 500, 5_500])
    times.length = 0
    retryAfterMs[0] = 60_000
    const short = expect(client.callTool('m.a', {}, { timeoutMs: 1_000 })).rejects.toMatchObject({ code: 'http_error' })
    await vi.advanceTimersByTimeAsync(10)
    await short
    expect(times).toHaveLength(1)
  })

  it('are one in ten calls at most, beyond the first ten in ten seconds', async () => {
    // The clock stands still: a slow machine must not begin the next ten seconds.
    vi.useFakeTimers({ toFake: ['performance'] })
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    protocol.idempotent = true
    protocol.answer = () => Promise.reject(unavailable())
    const client = await clientWith(protocol)
    for (let count = 0; count < 60; count += 1) await client.callTool('m.a').catch(() => {})
    expect(protocol.calls).toHaveLength(70)
    for (let count = 0; count < 140; count += 1) await client.callTool('m.a').catch(() => {})
    expect(protocol.calls).toHaveLength(220)
  })

  it('stop when the caller gives up during a wait', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    protocol.idempotent = true
    protocol.answer = () => Promise.reject(unavailable())
    const client = await clientWith(protocol, { retry: { random: () => 1, baseMs: 60_000, maxMs: 60_000 } })
    const abort = new AbortController()
    const call = client.callTool('m.a', {}, { signal: abort.signal })
    await vi.waitFor(() => expect(protocol.calls).toHaveLength(1))
    abort.abort()
    await expect(call).rejects.toMatchObject({ code: 'cancelled' })
  })
})

describe('callToolStreaming', () => {
  it('begins when the first piece is asked for, and passes pieces and failures on', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    protocol.stream = async function* () {
      yield 1
      yield 2
      throw new Error('torn')
    }
    const client = await clientWith(protocol)
    const stream = client.callToolStreaming('m.a')
    expect(protocol.calls).toEqual([])
    const pieces: unknown[] = []
    const read = async () => {
      for await (const piece of stream) pieces.push(piece)
    }
    await expect(read()).rejects.toMatchObject({ code: 'call_failed', message: expect.stringContaining('torn') })
    expect(pieces).toEqual([1, 2])
    const unknown = client.callToolStreaming('m.b')
    await expect(unknown.next()).rejects.toMatchObject({ code: 'tool_not_found' })
  })

  it('ends the call and gives its slot back when the consumer leaves', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    const ended = vi.fn()
    protocol.stream = async function* ({ context }) {
      try {
        for (let count = 0; ; count += 1) yield count
      } finally {
        ended(context.signal.aborted)
      }
    }
    const client = await clientWith(protocol, { maxConcurrency: 1 })
    for await (const piece of client.callToolStreaming('m.a')) if (piece === 3) break
    expect(await client.callTool('m.a', { again: 1 })).toEqual({ again: 1 })
    expect(ended).toHaveBeenCalledExactlyOnceWith(true)
  })

  it('ends a stream that is silent when its time is over, and only then', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    protocol.stream = async function* () {
      yield 1
      await new Promise(() => {})
    }
    const client = await clientWith(protocol)
    const stream = client.callToolStreaming('m.a', {}, { timeoutMs: 30 })
    expect(await stream.next()).toEqual({ value: 1, done: false })
    await expect(stream.next()).rejects.toMatchObject({ code: 'timeout' })
    expect(protocol.calls[0]?.context.signal.aborted).toBe(true)
    const endless = client.callToolStreaming('m.a')
    await endless.next()
    expect(protocol.calls[1]?.context.timeoutMs).toBeUndefined()
    await client.close().catch(() => {})
  })

  it('runs post-processors on each piece', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    protocol.stream = async function* () {
      yield { keep: 1, drop: 2 }
      yield { keep: 3 }
    }
    const client = await clientWith(protocol, {}, { post_processing: [filterDict({ exclude_keys: ['drop'] })] })
    const pieces: unknown[] = []
    for await (const piece of client.callToolStreaming('m.a')) pieces.push(piece)
    expect(pieces).toEqual([{ keep: 1 }, { keep: 3 }])
  })

  it('ends the call when a post-processor fails on a piece', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    const ended = vi.fn()
    protocol.stream = async function* () {
      try {
        yield 1
      } finally {
        ended()
      }
    }
    const broken = { postProcess: () => Promise.reject(new Error('bug')) }
    const client = await clientWith(protocol, { maxConcurrency: 1 }, { post_processing: [broken] })
    await expect(client.callToolStreaming('m.a').next()).rejects.toMatchObject({ code: 'post_processing_failed' })
    await vi.waitFor(() => expect(ended).toHaveBeenCalledOnce())
  })
})

describe('post-processing', () => {
  it('runs in order, with the manual’s template, and names the one that fails', async () => {
    const protocol = new FakeProtocol(manualOf([toolOf('a')]))
    const seen: unknown[] = []
    const config = {
      post_processing: [
        {
          postProcess: (_: unknown, tool: { name: string }, manual: { name?: string }, result: unknown) => [
            tool.name,
            manual.name,
            result,
          ],
        },
        { postProcess: async (_: unknown, __: unknown, ___: unknown, result: unknown) => seen.push(result) },
      ],
    }
    const client = await clientWith(protocol, {}, config)
    expect(await client.callTool('m.a', { x: 1 })).toBe(1)
    expect(seen).toEqual([['m.a', 'm', { x: 1 }]])
    const broken = await clientWith(
      protocol,
      {},
      {
        post_processing: [{ postProcess: () => Promise.reject(new Error('bug')) }],
      },
    )
    await expect(broken.callTool('m.a')).rejects.toMatchObject({ code: 'post_processing_failed' })
  })
})
