import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../support/test-server.ts'
import { ask, connectLegacy, type LegacySocket, registration, serveTools } from './legacy-peers.ts'

/* The same tools in a Python toolkit and in one of ours look the same to every kind of LLM client. */

type Params = Record<string, unknown>

const tools: Record<
  string,
  { params: string[]; required: string[]; auth: boolean; run: (params: Params, token: unknown) => unknown }
> = {
  echo: { params: ['value'], required: [], auth: false, run: ({ value }) => value ?? null },
  need: { params: ['a', 'b'], required: ['a', 'b'], auth: false, run: ({ a, b }) => [a, b] },
  whoami: { params: [], required: [], auth: true, run: (_params, token) => token },
  raise: {
    params: ['text'],
    required: [],
    auth: false,
    run: ({ text }) => {
      throw new Error(String(text))
    },
  },
}

let server: TestServer
let python: LegacySocket
let socket: LegacySocket

beforeAll(async () => {
  server = await startTestServer()
  const { url, keys } = server
  const ours = await server.toolkit({ appName: 'ours' })
  for (const [name, { params, required, auth, run }] of Object.entries(tools)) {
    const authType = auth ? 'OAuth2' : null
    ours.registerTool(
      { functionName: name, description: `Does ${name}`, params, requiredParams: required, authType },
      (args, { authToken }) => run(args, authToken),
    )
    const metadata = { params, required_params: required, auth_type: authType }
    await ask(`${url}/api/v1/register_tool`, registration(keys.toolkitKey, 'python', name, { metadata }))
  }
  await ours.start()
  python = await serveTools(
    url,
    keys.toolkitKey,
    Object.fromEntries(Object.entries(tools).map(([name, { run }]) => [name, run])),
  )
  socket = await connectLegacy(url, '/ws/v1/atp/llm-client')
  socket.send({ type: 'auth', api_key: keys.llmKey })
  await socket.next(({ type }) => type === 'auth_response')
})

afterAll(async () => {
  await python[Symbol.asyncDispose]()
  await socket[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** What each kind of LLM client learns of one call. */
async function outcomes(toolkit: string, tool: string, params: Params, authToken?: string): Promise<unknown[]> {
  const typed = (protocol: 'ws' | 'http'): Promise<unknown> =>
    server
      .llm({ protocol })
      .call({ toolkitId: toolkit, tool, params, ...(authToken === undefined ? {} : { authToken }) })
      .then(
        (result) => ({ result }),
        ({ code, message }: { code: string; message: string }) => ({
          code,
          message: message.replaceAll(toolkit, 'TOOLKIT'),
        }),
      )
  const message = {
    type: 'task_request',
    toolkit_id: toolkit,
    payload: { function: tool, parameters: params, auth_token: authToken ?? null },
  }
  const request_id = crypto.randomUUID()
  socket.send({ ...message, request_id })
  const overSocket = await socket.next((answer) => answer.request_id === request_id)
  const authorization = `ApiKey ${server.keys.llmKey}`
  const process = `${server.url}/api/v1/atp/llm-client/process/`
  const overHttp = (await ask(process, { ...message, request_id }, { authorization })).body
  expect(overHttp).toEqual(overSocket)
  const { request_id: _, ...legacy } = overSocket
  return [await typed('ws'), await typed('http'), JSON.parse(JSON.stringify(legacy).replaceAll(toolkit, 'TOOLKIT'))]
}

it.each([
  ['echo', { value: { deep: [0, '', false, null, 'größer'] } }],
  ['echo', {}],
  ['need', { a: 0, b: null }],
  ['need', { b: 1 }],
  ['need', {}],
  ['whoami', {}],
  ['whoami', {}, 'token'],
  ['whoami', {}, ''],
  ['raise', { text: 'it broke' }],
  ['raise', { text: 'long '.repeat(600) }],
  ['nothing', {}],
] as [string, Params, string?][])('%s, case %#', async (tool, params, authToken) => {
  const ours = await outcomes('ours', tool, params, authToken)
  expect(await outcomes('python', tool, params, authToken)).toEqual(ours)
})

it('describes them the same', async () => {
  const contexts = await Promise.all(
    ['ours', 'python'].map((toolkitId) => server.llm().getToolkitContext({ toolkitId, provider: 'anthropic' })),
  )
  expect(contexts[1]?.tools).toEqual(contexts[0]?.tools)
})
