import fc from 'fast-check'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { startTestServer, type TestServer } from '../../support/test-server.ts'
import { ask, connectLegacy, type LegacySocket, registration, serveTools } from './legacy-peers.ts'

/* Generated frames and bodies of the legacy wire, the same ones in every run of CI: nothing crashes, nothing answers
   5xx, and every request_id is answered with the type its sender waits for. `ATP_FUZZ_FRAMES=20000` makes as many of
   them, `ATP_FUZZ_SEED` those of a run that failed. */

const frames = Number(process.env.ATP_FUZZ_FRAMES ?? 2_000)
const perTest = Math.ceil(frames / 4)
const batch = 100
const seed = Number(process.env.ATP_FUZZ_SEED ?? fc.readConfigureGlobal().seed ?? Date.now() % 2 ** 31)
const told = `seed ${seed}`
const patience = { timeout: 60_000 + frames * 10 }
let server: TestServer
let toolkit: LegacySocket
const errors: unknown[] = []

beforeAll(async () => {
  const quiet = (): void => {}
  const logger = { debug: quiet, info: quiet, warn: quiet, error: (...line: unknown[]) => void errors.push(line) }
  server = await startTestServer({
    logger,
    // What is limited is tested elsewhere; here every single frame has to be answered.
    limits: { badFramesPer10s: Number.POSITIVE_INFINITY, failedKeysPerMinute: Number.POSITIVE_INFINITY },
  })
  for (const [name, metadata] of [
    ['echo', { params: ['text'] }],
    ['whoami', { auth_type: 'OAuth2', required_params: ['text'] }],
  ] as const) {
    await ask(`${server.url}/api/v1/register_tool`, registration(server.keys.toolkitKey, 'target', name, { metadata }))
  }
  toolkit = await serveTools(server.url, server.keys.toolkitKey, {
    echo: (params) => params,
    whoami: (_params, token) => token,
  })
})

afterAll(async () => {
  await toolkit[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  expect(errors).toEqual([])
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
const mostly = <T>(...values: T[]) => fc.oneof({ weight: 4, arbitrary: fc.constantFrom<unknown>(...values) }, junk)

const call = fc.record(
  {
    function: mostly('echo', 'whoami', 'nothing'),
    parameters: fc.oneof(fc.dictionary(fc.string(), junk, { maxKeys: 4 }), junk),
    arguments: fc.oneof(junk, fc.json()),
    type: mostly('function'),
    id: junk,
    auth_token: junk,
    tool_call_id: junk,
  },
  { requiredKeys: [] },
)

const message = fc.record(
  {
    type: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom<unknown>('task_request', 'get_toolkit_context', 'auth') },
      fc.constantFrom<unknown>('task_response', 'error', 'nonsense'),
      junk,
    ),
    toolkit_id: mostly('target'),
    payload: fc.oneof(
      { weight: 4, arbitrary: call },
      call.map((value) => JSON.stringify(value)),
      junk,
    ),
    provider: mostly('openai', 'Anthropic', 'mistral'),
    user_prompt: junk,
    auth_token: junk,
    timeout_ms: mostly(5_000),
    api_key: junk,
    context: junk,
  },
  { requiredKeys: ['type'] },
)

const answerTypes = new Map<unknown, string>([
  ['task_request', 'task_response'],
  ['get_toolkit_context', 'toolkit_context'],
])

it('answers every request on the LLM socket with the type that is awaited', patience, async () => {
  await using socket = await connectLegacy(server.url, `/ws/v1/atp/llm-client/${server.keys.llmKey}/`)
  socket.send({ type: 'auth' })
  await socket.next(({ type }) => type === 'auth_response')
  const sent = fc.sample(message, { numRuns: perTest, seed })
  const idOf = (index: number): unknown => [`f${index}`, index, [index], { index }][index % 4]
  for (let from = 0; from < sent.length; from += batch) {
    socket.messages.length = 0
    const expected = new Map<string, string>()
    for (const [offset, one] of sent.slice(from, from + batch).entries()) {
      const request_id = idOf(from + offset)
      socket.send({ ...one, request_id })
      // A repeated auth has no id in its answer.
      if (one.type !== 'auth') expected.set(JSON.stringify(request_id), answerTypes.get(one.type) ?? 'error')
    }
    const answers = (): Map<string, unknown> =>
      new Map(socket.messages.map(({ request_id, type }) => [JSON.stringify(request_id), type]))
    const wrong = (): unknown[] => [...expected].filter(([id, type]) => answers().get(id) !== type)
    await vi.waitFor(() => expect(wrong(), told).toEqual([]), { timeout: 20_000, interval: 5 })
  }
})

it('answers every body of process/ with 200 or 4xx, and calls with 200', patience, async () => {
  const authorization = `ApiKey ${server.keys.llmKey}`
  const url = `${server.url}/api/v1/atp/llm-client/process/`
  const bodies = fc.sample(fc.oneof({ weight: 9, arbitrary: message }, junk), { numRuns: perTest, seed })
  const post = async (body: unknown): Promise<void> => {
    const { status, body: answer } = await ask(url, JSON.stringify(body) ?? '', { authorization })
    const type = answerTypes.get((body as { type?: unknown } | null)?.type)
    const shown = JSON.stringify({ seed, body, status, answer })
    expect(status, shown).toBeLessThan(500)
    if (type === 'task_response') expect(status, shown).toBe(200)
    if (type !== undefined) expect(answer.type, shown).toBe(type)
  }
  for (let from = 0; from < bodies.length; from += 25) await Promise.all(bodies.slice(from, from + 25).map(post))
})

it('answers no toolkit route with 5xx', patience, async () => {
  const { url, keys } = server
  const { key: fuzzed } = await server.server.createKey({ kind: 'toolkit', name: 'fuzzed' })
  const body = fc.record(
    {
      api_key: mostly(fuzzed, keys.toolkitKey),
      app_name: mostly('fuzzed'),
      function_id: mostly('a', 'b'),
      code_hash: junk,
      toolkit_hash: mostly('h'),
      tool_hash: mostly('h'),
      tool_name: mostly('a'),
      metadata: fc.oneof(
        fc.record(
          {
            params: fc.oneof(fc.array(mostly('x', 'auth_token'), { maxLength: 3 }), junk),
            required_params: fc.oneof(fc.array(mostly('x'), { maxLength: 3 }), junk),
            description: junk,
            auth_type: junk,
            auth_provider: junk,
            sample_response: junk,
            source_code: junk,
          },
          { requiredKeys: [] },
        ),
        junk,
      ),
      exchange_token: junk,
      request_id: junk,
      response: junk,
      result: junk,
    },
    { requiredKeys: [] },
  )
  const paths = [
    '/api/v1/register_tool',
    '/api/v1/toolkit/verify_hash',
    '/api/v1/toolkit/verify_tool_hash',
    '/api/v1/execute_function',
    `/api/v1/toolkit/${fuzzed}/inbox/respond`,
  ]
  const asked = fc.record({
    path: fc.constantFrom(...paths),
    body: fc.oneof({ weight: 9, arbitrary: body }, junk),
    segment: fc.string({ maxLength: 20 }),
  })
  const samples = fc.sample(asked, { numRuns: perTest, seed })
  const post = async (sample: (typeof samples)[number]): Promise<void> => {
    const { status } = await ask(url + sample.path, JSON.stringify(sample.body) ?? '')
    expect(status, JSON.stringify(sample)).toBeLessThan(500)
    // Refused is only what no JSON of ours may hold, a member called __proto__ for instance.
    if (sample.path.endsWith('respond')) expect([200, 400], JSON.stringify(sample)).toContain(status)
    const segment = encodeURIComponent(sample.segment.toWellFormed())
    const inbox = await fetch(`${url}/api/v1/toolkit/${segment}/inbox`)
    expect([400, 401, 404], segment).toContain(inbox.status)
    await inbox.arrayBuffer()
  }
  for (let from = 0; from < samples.length; from += 25) await Promise.all(samples.slice(from, from + 25).map(post))
})

it('ends every call, whatever a toolkit sends', patience, async () => {
  const { key } = await server.server.createKey({ kind: 'toolkit', name: 'liar' })
  await ask(`${server.url}/api/v1/register_tool`, registration(key, 'liar', 'lie'))
  await using liar = await connectLegacy(server.url, `/ws/v1/atp/${key}/`)
  const noise = fc.record(
    { type: mostly('tool_response', 'app_response'), request_id: junk, result: junk },
    { requiredKeys: [] },
  )
  const texts = fc.oneof(
    noise.map((value) => JSON.stringify(value)),
    fc.string(),
    fc.constantFrom('{"type": "tool_response", "result": NaN}', '['.repeat(200)),
  )
  const answers = fc.sample(
    fc.record({ noise: texts, result: junk, more: fc.dictionary(fc.string(), junk, { maxKeys: 2 }) }),
    {
      numRuns: perTest,
      seed,
    },
  )
  const llm = server.llm()
  for (const answer of answers) {
    const ended = llm.call({ toolkitId: 'liar', tool: 'lie' }).then(
      () => 'succeeded',
      ({ code }: { code: string }) => code,
    )
    const { payload } = (await liar.next(({ message_type }) => message_type === 'atp_tool_request')) as {
      payload: { request_id: string }
    }
    liar.messages.length = 0
    liar.send(answer.noise.toWellFormed())
    const { more, result } = answer
    liar.send({ ...more, type: 'tool_response', request_id: payload.request_id, result })
    expect(['succeeded', 'tool_error', 'invalid_result'], told).toContain(await ended)
  }
})
