import fc from 'fast-check'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { connectRawPeer, type RawPeer, wireTool } from '../support/raw-peer.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

/* Ten thousand generated frames on each socket and bodies on each route: nothing crashes, nothing answers 500, and every
   request_id that could be read is answered. */

const runs = 10_000
const batch = 200
const patience = { timeout: 60_000 }
let server: TestServer

beforeAll(async () => {
  // The limit on bad frames is tested elsewhere; here every single one has to be answered.
  server = await startTestServer({ limits: { badFramesPer10s: Number.POSITIVE_INFINITY } })
  const toolkit = await server.toolkit({ appName: 'target' })
  toolkit.registerTool({ name: 'echo', description: 'Echoes', params: ['text'] }, ({ text }) => text ?? null)
  await toolkit.start()
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

const junk = fc.oneof(
  { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
  fc.constantFrom<unknown>(
    null,
    -1,
    2 ** 53,
    '',
    '__proto__',
    'constructor',
    [],
    {},
    '\u0000',
    '\ud800',
    'target',
    'echo',
  ),
)
const mostly = <T>(value: T) => fc.oneof({ weight: 4, arbitrary: fc.constant<unknown>(value) }, junk)

const llmFrame = fc.record(
  {
    type: fc.oneof(fc.constantFrom<unknown>('call', 'context', 'cancel', 'hello', 'error', 'result', 'nonsense'), junk),
    toolkit_id: mostly('target'),
    tool: mostly('echo'),
    params: fc.oneof(fc.dictionary(fc.string(), junk, { maxKeys: 4 }), junk),
    provider: mostly('openai'),
    timeout_ms: mostly(5_000),
    auth_token: junk,
    error: fc.oneof(fc.constant({ code: 'tool_error', message: 'x' }), junk),
    _meta: junk,
  },
  { requiredKeys: ['type'] },
)

const toolkitFrame = fc.record(
  {
    type: fc.oneof(
      fc.constantFrom<unknown>(
        'register',
        'unregister',
        'result',
        'ack',
        'progress',
        'chunk',
        'error',
        'hello',
        'call',
      ),
      junk,
    ),
    toolkit_hash: mostly('h'),
    tools: fc.oneof(
      fc.array(fc.oneof(fc.constant(wireTool('a')), fc.record({ name: mostly('b'), input_schema: junk })), {
        maxLength: 4,
      }),
      junk,
    ),
    ok: fc.boolean(),
    result: junk,
    error: junk,
    sequence: junk,
    data: junk,
    caption: junk,
  },
  { requiredKeys: ['type'] },
)

/** Sends numbered frames in batches and checks after each that all that need an answer got one. */
async function fuzzSocket(
  peer: RawPeer,
  frames: fc.Arbitrary<object>,
  needsAnswer: (frame: Record<string, unknown>) => boolean,
) {
  const sent = fc.sample(frames, { numRuns: runs, seed: 20_261_121 })
  for (let from = 0; from < sent.length; from += batch) {
    const expected: string[] = []
    for (const [index, frame] of sent.slice(from, from + batch).entries()) {
      const requestId = `f${from + index}`
      const full = { ...frame, request_id: requestId }
      peer.send(full)
      if (needsAnswer(full)) expected.push(requestId)
    }
    // Frames are served in order, but calls end later: the last answer alone proves nothing.
    const answered = (): Set<unknown> => new Set(peer.frames.map((frame) => frame.request_id))
    const missing = (): string[] => expected.filter((requestId) => !answered().has(requestId))
    await vi.waitFor(() => expect(missing()).toEqual([]), { timeout: 10_000, interval: 5 })
    peer.frames.length = 0
  }
}

it('answers every request of 10,000 generated frames on the LLM socket', patience, async () => {
  await using peer = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', key: server.keys.llmKey })
  // A readable cancel or error asks for nothing; hello is refused without an id, as it has none.
  await fuzzSocket(peer, llmFrame, ({ type }) => !['cancel', 'error', 'hello'].includes(type as string))
})

it('answers every request of 10,000 generated frames on the toolkit socket', patience, async () => {
  const { key } = await server.server.createKey({ kind: 'toolkit', name: 'fuzzed' })
  await using peer = await connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key })
  const asks = new Set<unknown>(['register', 'unregister', 'call'])
  await fuzzSocket(peer, toolkitFrame, ({ type }) => asks.has(type) || typeof type !== 'string')
})

it('ends the call when a toolkit answers it with any junk', patience, async () => {
  const { key } = await server.server.createKey({ kind: 'toolkit', name: 'liar' })
  await using peer = await connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key })
  peer.send({ type: 'register', request_id: 'r', toolkit_hash: 'h', tools: [wireTool('lie')] })
  await peer.next((frame) => frame.type === 'registered')
  const llm = server.llm()
  const answers = fc.record({ ok: junk, result: junk, error: junk, call_id: junk }, { requiredKeys: [] })
  for (const answer of fc.sample(answers, { numRuns: 500, seed: 7 })) {
    const call = llm.call({ toolkitId: 'liar', tool: 'lie' }).then(
      () => true,
      (error: { code: string }) => error.code,
    )
    const { request_id } = await peer.next((frame) => frame.type === 'call')
    peer.frames.length = 0
    peer.send({ type: 'result', request_id, ...answer })
    expect(await call).not.toBe('deadline_exceeded')
  }
})

it.each(['/ws/v2/llm', '/ws/v2/toolkit'] as const)('survives 10,000 raw texts on %s', patience, async (path) => {
  const key = path.endsWith('llm')
    ? server.keys.llmKey
    : (await server.server.createKey({ kind: 'toolkit', name: 'raw' })).key
  await using peer = await connectRawPeer({ url: server.url, path, key })
  const texts = fc.sample(
    fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.json(), fc.constant('{"a":'.repeat(70))),
    { numRuns: runs, seed: 3 },
  )
  for (let from = 0; from < texts.length; from += batch) {
    peer.frames.length = 0
    for (const text of texts.slice(from, from + batch)) peer.send(text.isWellFormed() ? text : 'x')
    // Each text costs exactly one error frame.
    while (peer.frames.length < Math.min(batch, texts.length - from))
      await new Promise((done) => peer.socket.once('message', done))
    expect(peer.frames.every(({ type }) => type === 'error')).toBe(true)
  }
})

const routes = [
  ['POST', '/api/v1/atp/llm-client/process/', 'llmKey'],
  ['POST', '/api/v2/keys', 'adminKey'],
  ['DELETE', '/api/v2/keys/', 'adminKey'],
  ['GET', '/api/v2/toolkits/', 'adminKey'],
  ['GET', '/api/v2/calls?', 'adminKey'],
] as const

it.each(routes)('answers no generated %s %s with a 5xx', patience, async (method, path, keyName) => {
  const bodies = fc.record({
    body: fc.oneof(
      llmFrame,
      fc.record({
        type: fc.constantFrom('task_request', 'get_toolkit_context'),
        toolkit_id: mostly('target'),
        payload: fc.oneof(fc.record({ function: mostly('echo'), parameters: junk }), junk),
      }),
      junk,
    ),
    suffix: fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.constantFrom('..%2f..', '%00', '%2e%2e', 'limit=NaN', 'toolkit=__proto__&tool[]=1', '%E0%A4%A'),
    ),
  })
  const samples = fc.sample(bodies, { numRuns: method === 'POST' ? runs : 1_000, seed: 11 })
  const ask = async ({ body, suffix }: (typeof samples)[number]): Promise<number> => {
    // What a client library would refuse to send is percent-encoded; the tricks above are sent as they are.
    const address =
      method === 'POST'
        ? path
        : path + (/[^!-~]|[#\\]/.test(suffix) ? encodeURIComponent(suffix.toWellFormed()) : suffix)
    const answer = await fetch(server.url + address, {
      method,
      headers: {
        authorization: `Bearer ${server.keys[keyName]}`,
        ...(method === 'POST' && { 'content-type': 'application/json' }),
      },
      ...(method === 'POST' && { body: JSON.stringify(body) ?? '' }),
    })
    await answer.arrayBuffer()
    return answer.status
  }
  const statuses = new Set<number>()
  for (let from = 0; from < samples.length; from += 50) {
    for (const status of await Promise.all(samples.slice(from, from + 50).map(ask))) statuses.add(status)
  }
  expect([...statuses].filter((status) => status >= 500)).toEqual([])
})
