import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ToolKitClient, type ToolKitClientOptions } from '../../../src/clients/toolkit-client.ts'
import { Mailbox } from '../../transport/mailbox.ts'
import { settleHashes } from '../toolkit-support.ts'
import { oddKey } from './founding-peers.ts'

type Body = Record<string, unknown>

/** A request for an item of the inbox, answered by the test. */
interface Poll {
  signal: AbortSignal
  answer(item: unknown, status?: number): void
  fail(): void
}

let client: ToolKitClient
let polls: Mailbox<Poll>
let answers: Mailbox<Body>
let paths: string[]
let logged: unknown[]
/** How answers are taken. */
let takeAnswer: (body: Body) => Response
let hasProtocol2: boolean

const json = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status })
const inbox = `/api/v1/toolkit/${encodeURIComponent(oddKey)}/inbox`

beforeEach(() => {
  vi.useFakeTimers()
  polls = new Mailbox()
  answers = new Mailbox()
  paths = []
  logged = []
  hasProtocol2 = false
  takeAnswer = () => json(200, { ok: true })
  client = make()
})
afterEach(async () => {
  const stopping = client.stop()
  await vi.advanceTimersByTimeAsync(20_000)
  await stopping
  await settleHashes()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
  const text = JSON.stringify(logged)
  for (const form of [oddKey, encodeURIComponent(oddKey)]) expect(text).not.toContain(form)
})

function make(options: Partial<ToolKitClientOptions> = {}): ToolKitClient {
  const log = (event: string, fields?: object): void => void logged.push([event, fields])
  const made = new ToolKitClient({
    protocol: 'http',
    apiKey: oddKey,
    appName: 'math',
    baseUrl: 'http://server/proxy',
    backoff: { random: () => 0.5 },
    logger: { debug: log, info: log, warn: log, error: log },
    fetch: respond,
    ...options,
  })
  for (const event of ['disconnected', 'reconnecting'] as const) {
    made.on(event, ({ error }) => void logged.push([event, error?.message]))
  }
  made.registerTool({ name: 'echo', description: 'Echoes', params: ['value'] }, ({ value }) => value ?? null)
  return made
}

async function respond(url: URL | RequestInfo, init?: RequestInit): Promise<Response> {
  const path = String(url).replace('http://server/proxy', '')
  paths.push(path)
  const signal = init?.signal as AbortSignal
  const body = (): Body => JSON.parse(String(init?.body)) as Body
  if (path.startsWith('/api/v2/'))
    return hasProtocol2 ? json(503, { error: 'later' }) : json(404, { error: 'Not found' })
  if (path.includes('verify')) return json(200, { up_to_date: false })
  if (path.endsWith('register_tool')) return json(200, { exchange_token: 't' })
  if (path === `${inbox}/respond`) {
    const taken = takeAnswer(body())
    if (taken.ok) answers.push(body())
    return taken
  }
  expect(path).toBe(inbox)
  const reply = Promise.withResolvers<Response>()
  signal.addEventListener('abort', () => reply.reject(signal.reason))
  polls.push({
    signal,
    answer: (item, status = 200) => reply.resolve(json(status, item)),
    fail: () => reply.reject(new TypeError(`cannot reach ${url}`)),
  })
  return reply.promise
}

async function started(): Promise<Poll> {
  await client.start()
  return polls.next()
}

const item = (more: Body = {}): Body => ({ request_id: 'c1', tool_name: 'echo', params: { value: 7 }, ...more })
const gets = (): number => paths.filter((path) => path === inbox).length

describe('a toolkit over HTTP on a founding server', () => {
  it('registers as founded, then asks the inbox', async () => {
    await started()
    expect(paths).toEqual([
      ...['/api/v2/toolkit/frames', '/api/v1/toolkit/verify_hash', '/api/v1/toolkit/verify_tool_hash'],
      ...['/api/v1/register_tool', inbox],
    ])
    expect(client.state).toBe('connected')
  })

  it('runs what it gets and answers it', async () => {
    const poll = await started()
    poll.answer(item())
    await expect(answers.next()).resolves.toEqual({ request_id: 'c1', response: 7 })
    await vi.advanceTimersByTimeAsync(0)
    const next = await polls.next()
    next.answer(item({ request_id: 42, params: null }))
    await expect(answers.next()).resolves.toEqual({ request_id: 42, response: null })
  })

  it('gives the token to tools that want one', async () => {
    const auth = { provider: 'hubspot', type: 'OAuth2', with: 'access_token' }
    client.registerTool({ name: 'crm', description: 'Reads', auth }, (_args, { authToken }) => authToken)
    const poll = await started()
    poll.answer(item({ tool_name: 'crm', params: {}, auth_token: 'user-token' }))
    await expect(answers.next()).resolves.toEqual({ request_id: 'c1', response: 'user-token' })
  })

  it.each([
    [{ tool_name: 'nothing' }, 'has no tool "nothing"'],
    [{ tool_name: undefined }, 'has no tool "unknown"'],
    [{ params: [1] }, 'The parameters must be an object'],
    [{ message_type: 'atp_app_request' }, 'App initialization failed: "echo" is no app'],
    [{ message_type: 'atp_app_action', tool_name: undefined }, 'App action processing failed: "unknown" is no app'],
  ])('answers %j with an error', async (more, message) => {
    const poll = await started()
    poll.answer(item(more))
    const { request_id, response } = await answers.next()
    expect(request_id).toBe('c1')
    expect((response as { error: string }).error).toContain(message)
  })

  it('waits longer and longer while there is nothing, and not at all after a call or a held request', async () => {
    let poll = await started()
    for (const waitMs of [1_000, 2_000, 3_000, 4_000, 5_000, 5_000]) {
      poll.answer({})
      await vi.advanceTimersByTimeAsync(waitMs - 1)
      const before = gets()
      await vi.advanceTimersByTimeAsync(1)
      expect(gets()).toBe(before + 1)
      poll = await polls.next()
    }
    await vi.advanceTimersByTimeAsync(25_000)
    poll.answer(null)
    await vi.advanceTimersByTimeAsync(0)
    poll = await polls.next()
    poll.answer(item())
    await answers.next()
    await vi.advanceTimersByTimeAsync(0)
    poll = await polls.next()
    poll.answer({})
    await vi.advanceTimersByTimeAsync(1_000)
    await polls.next()
  })

  it('sends an answer again until the server can be reached', async () => {
    const poll = await started()
    let refusals = 2
    takeAnswer = () => {
      refusals -= 1
      if (refusals >= 0) throw new TypeError('cannot reach it')
      return json(200, {})
    }
    poll.answer(item())
    await vi.advanceTimersByTimeAsync(250)
    expect(answers.all).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(500)
    expect(answers.all).toHaveLength(1)
  })

  it('does not send again what the server refuses', async () => {
    const poll = await started()
    const taken = vi.fn(() => json(400, { error: 'no' }))
    takeAnswer = taken
    poll.answer(item())
    await vi.advanceTimersByTimeAsync(60_000)
    expect(taken).toHaveBeenCalledTimes(1)
  })

  it('takes nothing out of the inbox while no slot is free', async () => {
    client = make({ maxConcurrency: 1 })
    const end = Promise.withResolvers<string>()
    client.registerTool({ name: 'wait', description: 'Waits' }, () => end.promise)
    const poll = await started()
    poll.answer(item({ tool_name: 'wait', params: {} }))
    await vi.advanceTimersByTimeAsync(30_000)
    expect(gets()).toBe(1)
    end.resolve('done')
    await expect(answers.next()).resolves.toMatchObject({ response: 'done' })
    await vi.advanceTimersByTimeAsync(0)
    expect(gets()).toBe(2)
  })

  it('tries again while the server cannot be reached, and counts as disconnected after half a minute', async () => {
    let poll = await started()
    for (let ms = 0; ms < 29_000; ms += 250) {
      poll.fail()
      const before = gets()
      while (gets() === before && ms < 29_000) {
        await vi.advanceTimersByTimeAsync(250)
        ms += 250
      }
      if (gets() > before) poll = await polls.next()
    }
    expect(client.state).toBe('connected')
    poll.fail()
    hasProtocol2 = true
    await vi.advanceTimersByTimeAsync(20_000)
    for (const each of polls.all) each.fail()
    await vi.waitFor(() => expect(client.state).toBe('reconnecting'))
  })

  it.each([
    [401, 'refused'],
    [403, 'refused'],
    [404, 'reconnecting'],
  ])('is %s after %d', async (status, state) => {
    const poll = await started()
    poll.answer({ error: `no toolkit "${oddKey}"` }, status)
    await vi.advanceTimersByTimeAsync(0)
    expect(client.state).toBe(state)
  })

  it('asks for protocol 2 first once the inbox is missing', async () => {
    const poll = await started()
    poll.answer({ error: 'Not found' }, 404)
    hasProtocol2 = true
    paths.length = 0
    await vi.advanceTimersByTimeAsync(250)
    expect(paths).toEqual(['/api/v2/toolkit/frames'])
  })

  it.each([
    ['has stopped once the answers that it owes arrived', 10_000, 'stopping'],
    ['sends what it owes for a while yet when it was not to wait for that any longer', 100, 'stopped'],
  ] as const)('%s', async (_what, drainTimeoutMs, state) => {
    client = make({ drainTimeoutMs })
    const end = Promise.withResolvers<string>()
    client.registerTool({ name: 'wait', description: 'Waits' }, () => end.promise)
    const poll = await started()
    poll.answer(item({ tool_name: 'wait', params: {} }))
    await vi.advanceTimersByTimeAsync(0)
    const stopping = client.stop()
    let isReachable = false
    takeAnswer = () => {
      if (!isReachable) throw new TypeError('cannot reach it')
      return json(200, {})
    }
    end.resolve('done')
    await vi.advanceTimersByTimeAsync(200)
    expect(client.state).toBe(state)
    isReachable = true
    await vi.advanceTimersByTimeAsync(5_000)
    await stopping
    expect(answers.all).toEqual([{ request_id: 'c1', response: 'done' }])
  })

  it('asks from the start where that is wanted, and never where it is not', async () => {
    client = make({ legacyFallback: 'always' })
    await started()
    expect(paths[0]).toBe('/api/v1/toolkit/verify_hash')
    await client.stop()
    paths.length = 0
    client = make({ legacyFallback: false })
    void client.start().catch(() => {})
    await vi.advanceTimersByTimeAsync(1_000)
    expect(new Set(paths)).toEqual(new Set(['/api/v2/toolkit/frames']))
  })
})
