import { type LegacyFrames, LegacyToolkit, legacyFrames, openWireSocket, type WireSocket } from '@atp/testing/legacy'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { startTestServer, type TestServer } from '../support/test-server.ts'

/* Generated frames and bodies of the legacy wire: nothing crashes, nothing answers 5xx, and every request is answered with
   the type and the id that the Python SDK waits for. `ATP_FUZZ_FRAMES=20000` makes as many of them. */

const share = Number(process.env.ATP_FUZZ_FRAMES ?? 4_000) / 20_000
/** How many of a kind, when all together are 20,000. */
const count = (ofTwentyThousand: number): number => Math.ceil(ofTwentyThousand * share)
const batch = 200
const seed = 20_261_121
const patience = { timeout: 60_000 + 120_000 * share }
const types: Record<string, string> = { task_request: 'task_response', get_toolkit_context: 'toolkit_context' }

let server: TestServer
let toolkit: LegacyToolkit
let frames: LegacyFrames
let registrations: LegacyFrames
let llmKey: string
let fuzzedKey: string

beforeAll(async () => {
  // The limit on bad frames is tested elsewhere; here every single one has to be answered.
  server = await startTestServer({ limits: { badFramesPer10s: Number.POSITIVE_INFINITY } })
  const create = async (kind: 'toolkit' | 'llm', name: string): Promise<string> => {
    return (await server.server.createKey({ kind, name })).key
  }
  llmKey = await create('llm', 'fuzz')
  fuzzedKey = await create('toolkit', 'fuzzed')
  const apiKey = await create('toolkit', 'target')
  const echo = { name: 'echo', params: ['value'], handler: ({ value }: Record<string, unknown>) => value ?? null }
  toolkit = new LegacyToolkit({ baseUrl: server.url, apiKey, appName: 'target', tools: [echo] })
  await toolkit.start()
  const keys = { tool: 'echo', toolkitKey: fuzzedKey, llmKey }
  frames = legacyFrames({ toolkitId: 'target', ...keys })
  // What is registered must not change the toolkit that is called.
  registrations = legacyFrames({ toolkitId: 'fuzzed', ...keys })
})

afterAll(async () => {
  await toolkit[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

it('answers every request of generated frames on the LLM socket with its type and id', patience, async () => {
  await using socket = await authenticated()
  const sent = samples((id) => frames.llmSocket(id), count(8_000))
  for (let from = 0; from < sent.length; from += batch) {
    const part = sent.slice(from, from + batch)
    for (const frame of part) socket.send(frame)
    const wanted = part.map(({ type, request_id }) => `${types[String(type)]} ${request_id}`)
    const missing = (): string[] => {
      const got = new Set(socket.frames.map(({ type, request_id }) => `${type} ${request_id}`))
      return wanted.filter((each) => !got.has(each))
    }
    await vi.waitFor(() => expect(missing()).toEqual([]), { timeout: 20_000, interval: 5 })
    socket.frames.length = 0
  }
})

it('answers every generated body of process/ with its type and id, or refuses it', patience, async () => {
  const statuses = await post(
    '/api/v1/atp/llm-client/process/',
    samples((id) => frames.process(id), count(5_000)),
    (answer, body) => {
      const { type, request_id } = body as Record<string, unknown>
      // A call is answered with 200, failed or not, also where its body is dangerous to read (rule I1).
      if (type === 'task_request') expect({ body, status: answer.status }).toEqual({ body, status: 200 })
      if (answer.status === 200) expect(answer.json).toMatchObject({ type: types[String(type)], request_id })
      else expect(answer.json).toBeTypeOf('object')
    },
  )
  expect(statuses.get(200) ?? 0).toBeGreaterThan(count(3_000))
})

it('takes generated texts on the toolkit socket and goes on serving', patience, async () => {
  const url = `${server.url.replace('http', 'ws')}/ws/v1/atp/toolkit-client/${fuzzedKey}/`
  await using socket = await openWireSocket(url)
  const texts = fc.sample(frames.toolkitSocket, { numRuns: count(3_000), seed })
  for (let from = 0; from < texts.length; from += batch) {
    for (const text of texts.slice(from, from + batch)) socket.sendText(text)
    const pong = new Promise((resolve) => socket.socket.once('pong', resolve))
    socket.socket.ping()
    await pong
  }
  expect(socket.frames.map(({ message_type }) => message_type)).toEqual(['atp_client_connected'])
})

it.each([
  ['register_tool', 'registerTool', 900],
  ['toolkit/verify_hash', 'verifyHash', 1_100],
  ['toolkit/verify_tool_hash', 'verifyToolHash', 800],
  ['toolkit/KEY/inbox/respond', 'inboxRespond', 700],
  ['execute_function', 'executeFunction', 500],
] as const)('answers no generated body of %s with a 5xx', patience, async (path, name, ofTwentyThousand) => {
  const runs = count(ofTwentyThousand)
  const bodies = fc.sample<unknown>(registrations[name], { numRuns: runs, seed })
  const statuses = await post(`/api/v1/${path.replace('KEY', fuzzedKey)}`, bodies, ({ status, json }) => {
    expect(status).toBeLessThan(500)
    expect(json).toBeTypeOf('object')
  })
  // Not all of them may fail at the first check.
  if (name !== 'executeFunction') expect(statuses.get(200) ?? 0).toBeGreaterThan(runs / 20)
})

it('serves calls and contexts afterwards as before', async () => {
  await using socket = await authenticated()
  const payload = { function: 'echo', parameters: { value: 'still here' }, auth_token: null }
  socket.send({ type: 'task_request', request_id: 'after', toolkit_id: 'target', payload })
  const answer = await socket.next(({ request_id }) => request_id === 'after')
  expect(answer).toMatchObject({ payload: { result: 'still here' } })
})

async function authenticated(): Promise<WireSocket> {
  const socket = await openWireSocket(`${server.url.replace('http', 'ws')}/ws/v1/atp/llm-client/${llmKey}/`)
  socket.send({ type: 'auth', api_key: llmKey })
  await socket.next(({ type }) => type === 'auth_response')
  return socket
}

/** One value for each of so many ids. */
function samples(
  arbitrary: (id: string) => fc.Arbitrary<Record<string, unknown>>,
  runs: number,
): Record<string, unknown>[] {
  return fc.sample(arbitrary(''), { numRuns: runs, seed }).map((frame, at) => ({ ...frame, request_id: `f${at}` }))
}

/** Posts bodies, twenty at a time, and checks each answer. @returns how often each status came */
async function post(
  path: string,
  bodies: readonly unknown[],
  check: (answer: { status: number; json: unknown }, body: unknown) => void,
): Promise<Map<number, number>> {
  const statuses = new Map<number, number>()
  const authorization = `ApiKey ${llmKey}`
  for (let from = 0; from < bodies.length; from += 20) {
    await Promise.all(
      bodies.slice(from, from + 20).map(async (body) => {
        const answer = await fetch(server.url + path, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...(path.includes('llm-client') ? { authorization } : {}) },
          body: JSON.stringify(body),
        })
        const { status } = answer
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        check({ status, json: JSON.parse(await answer.text()) as unknown }, body)
      }),
    )
  }
  return statuses
}
