import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { describePostgres, emptySchema } from '../../support/postgres.ts'
import { startTestServer, type TestServer } from '../../support/test-server.ts'
import { ask, registration, serveTools } from './legacy-peers.ts'

/** A toolkit as its process sees the server: the key goes into every body. */
function toolkitOf(server: TestServer, key: string, appName: string) {
  const post = (path: string, body: unknown) => ask(`${server.url}/api/v1/${path}`, body)
  return {
    register: (name: string, more?: Record<string, unknown>) =>
      post('register_tool', registration(key, appName, name, more)),
    knows: async (toolkit_hash: string): Promise<unknown> =>
      (await post('toolkit/verify_hash', { api_key: key, app_name: appName, toolkit_hash })).body.up_to_date,
    knowsTool: async (tool_name: string, tool_hash: string): Promise<unknown> =>
      (await post('toolkit/verify_tool_hash', { api_key: key, tool_name, tool_hash })).body.up_to_date,
  }
}

async function start(options: Parameters<typeof startTestServer>[0] = {}): Promise<TestServer> {
  const server = await startTestServer(options)
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

const keyOf = async (server: TestServer, name: string): Promise<string> =>
  (await server.server.createKey({ kind: 'toolkit', name })).key

async function toolsOf(server: TestServer, toolkit: string): Promise<Record<string, unknown>[]> {
  const authorization = `Bearer ${server.keys.adminKey}`
  const answer = await ask(`${server.url}/api/v2/toolkits/${toolkit}/tools`, undefined, { authorization })
  return answer.body.tools as Record<string, unknown>[]
}

describe('register_tool', () => {
  it('stores a tool as text parameters, without the token among them, its code or its sample', async () => {
    const server = await start()
    const metadata = {
      params: ['title', 'auth_token', 'priority', 'title'],
      required_params: ['title', 'auth_token', 'unlisted'],
      description: 'Makes a task',
      auth_provider: 'hubspot',
      auth_type: 'OAuth2',
      auth_with: 'access_token',
      sample_response: { leaked: 'SAMPLE' },
    }
    const answer = await toolkitOf(server, server.keys.toolkitKey, 'Täsks!').register('make_task', { metadata })
    expect(answer).toEqual({ status: 200, body: { exchange_token: expect.any(String) } })
    const tools = await toolsOf(server, 'tasks')
    expect(tools).toMatchObject([
      {
        name: 'make_task',
        description: 'Makes a task',
        params: ['title', 'priority', 'unlisted'],
        required_params: ['title', 'unlisted'],
        auth_provider: 'hubspot',
        auth_type: 'OAuth2',
        auth_with: 'access_token',
        input_schema: {
          type: 'object',
          properties: { title: { type: 'string', description: 'title' } },
          required: ['title', 'unlisted'],
        },
      },
    ])
    expect(JSON.stringify(tools)).not.toMatch(/SOURCE|SAMPLE/)
  })

  it('takes generation 1, which has no toolkit hash, and bodies without metadata', async () => {
    const server = await start()
    const toolkit = toolkitOf(server, server.keys.toolkitKey, 'old')
    expect((await toolkit.register('a', { toolkit_hash: undefined })).status).toBe(200)
    expect(
      (
        await ask(`${server.url}/api/v1/register_tool/`, {
          api_key: server.keys.toolkitKey,
          app_name: 'old',
          function_id: 'b',
        })
      ).status,
    ).toBe(200)
    expect((await toolsOf(server, 'old')).map(({ name }) => name)).toEqual(['a', 'b'])
    expect(await toolkit.knowsTool('a', 'code of a')).toBe(true)
    // Without a hash there is nothing to compare.
    expect(await toolkit.knowsTool('b', '')).not.toBe(true)
  })

  it.each([
    ['a name no provider takes', { function_id: 'get weather' }, 400],
    ['no name', { function_id: undefined }, 400],
    ['no app_name', { app_name: undefined }, 400],
    ['an app_name of 129 characters', { app_name: 'x'.repeat(129) }, 400],
    ['parameters that are no names', { metadata: { params: [1] } }, 400],
    ['201 parameters', { metadata: { params: Array.from({ length: 201 }, (_, index) => `p${index}`) } }, 400],
    ['a parameter called __proto__', { metadata: { params: ['__proto__'] } }, 400],
    ['a wrong key', { api_key: 'atp_toolkit_wrong' }, 401],
    ['no key', { api_key: undefined }, 401],
    ['a body above 1 MiB + 64 KiB', { metadata: { source_code: 'x'.repeat(1_048_576 + 65_536) } }, 413],
  ])('refuses %s', async (_what, more, status) => {
    const server = await start()
    const answer = await toolkitOf(server, server.keys.toolkitKey, 'strict').register('fine', more)
    expect(answer).toMatchObject({ status, body: { error: expect.any(String) } })
  })

  it('refuses keys of another kind', async () => {
    const server = await start()
    expect((await toolkitOf(server, server.keys.llmKey, 'x').register('a')).status).toBe(403)
  })

  it('takes a source text of a megabyte and app names of 128 characters', async () => {
    const server = await start()
    const appName = 'n'.repeat(128)
    const big = { metadata: { source_code: 'x'.repeat(1_048_576) } }
    expect((await toolkitOf(server, server.keys.toolkitKey, appName).register('a', big)).status).toBe(200)
  })

  it('binds a key to the first app_name, and refuses another one', async () => {
    const server = await start()
    expect(await toolkitOf(server, server.keys.toolkitKey, 'first').knows('h')).toBe(false)
    const other = toolkitOf(server, server.keys.toolkitKey, 'second')
    expect(await other.register('a')).toMatchObject({ status: 409, body: { code: 'toolkit_name_conflict' } })
    const verify = { api_key: server.keys.toolkitKey, app_name: 'second', toolkit_hash: 'h' }
    expect((await ask(`${server.url}/api/v1/toolkit/verify_hash`, verify)).status).toBe(409)
    expect((await toolkitOf(server, server.keys.toolkitKey, 'first').register('a')).status).toBe(200)
  })

  it('leaves the tools of a newer client alone, and is left alone by it', async () => {
    const server = await start()
    const client = await server.toolkit({ appName: 'mixed' })
    client.registerTool({ name: 'new', description: '' }, () => 'new')
    await client.start()
    const key = await keyOf(server, 'mixed')
    await toolkitOf(server, key, 'mixed').register('old')
    await using _process = await serveTools(server.url, key, { old: () => 'old' })
    const llm = server.llm()
    expect(await llm.call({ toolkitId: 'mixed', tool: 'old' })).toBe('old')
    expect(await llm.call({ toolkitId: 'mixed', tool: 'new' })).toBe('new')
    // A full registration names all tools of its process, and the older one never repeats its own.
    client.registerTool({ name: 'newer', description: '' }, () => 'newer')
    await expect
      .poll(async () => (await toolsOf(server, 'mixed')).map(({ name }) => name).sort())
      .toEqual(['new', 'newer', 'old'])
  })
})

describe('verify_hash and verify_tool_hash', () => {
  it('know the full hash after the last registration, and nothing else', async () => {
    const server = await start()
    const toolkit = toolkitOf(server, server.keys.toolkitKey, 'app')
    await toolkit.register('a', { toolkit_hash: 'A' })
    expect([await toolkit.knows('A'), await toolkit.knows('AB'), await toolkit.knows('')]).toEqual([
      true,
      false,
      undefined,
    ])
    await toolkit.register('b', { toolkit_hash: 'AB' })
    expect([await toolkit.knows('A'), await toolkit.knows('AB')]).toEqual([true, true])
    expect(await toolkit.knowsTool('a', 'code of a')).toBe(true)
    expect(await toolkit.knowsTool('a', 'code of b')).toBe(false)
    expect(await toolkit.knowsTool('c', 'code of a')).toBe(false)
  })

  it('know no hash any more that a changed tool was behind', async () => {
    const server = await start()
    const toolkit = toolkitOf(server, server.keys.toolkitKey, 'app')
    await toolkit.register('a', { toolkit_hash: 'A' })
    await toolkit.register('b', { toolkit_hash: 'AB' })
    await toolkit.register('b', { toolkit_hash: "AB'", code_hash: 'changed' })
    expect([await toolkit.knows('AB'), await toolkit.knows("AB'")]).toEqual([false, true])
    expect([await toolkit.knowsTool('b', 'code of b'), await toolkit.knowsTool('b', 'changed')]).toEqual([false, true])
  })

  it('know no hash of a toolkit one of whose tools was refused, until it begins anew', async () => {
    const server = await start()
    const toolkit = toolkitOf(server, server.keys.toolkitKey, 'app')
    expect((await toolkit.register('not a name', { toolkit_hash: 'N' })).status).toBe(400)
    await toolkit.register('b', { toolkit_hash: 'NB' })
    expect(await toolkit.knows('NB')).toBe(false)
    // A hash of one tool alone is that tool's: this is another process, or the same one after a restart.
    await toolkit.register('a', { code_hash: 'A', toolkit_hash: 'A' })
    await toolkit.register('b', { toolkit_hash: 'AB' })
    expect(await toolkit.knows('AB')).toBe(true)
  })

  it('know no hash that some of several tools were registered under when another one of them is refused', async () => {
    const server = await start()
    const toolkit = toolkitOf(server, server.keys.toolkitKey, 'app')
    await toolkit.register('a', { toolkit_hash: 'all' })
    expect(await toolkit.knows('all')).toBe(true)
    expect((await toolkit.register('not a name', { toolkit_hash: 'all' })).status).toBe(400)
    expect(await toolkit.knows('all')).toBe(false)
  })

  it('know no hash while a tool is missing that its client asked for, as after a start that was cut short', async () => {
    const server = await start()
    const toolkit = toolkitOf(server, server.keys.toolkitKey, 'app')
    for (const name of ['a', 'b']) await toolkit.register(name, { toolkit_hash: name === 'a' ? 'A' : 'AB' })
    // What start() does with two tools that have changed: each is asked for, then registered under the hash of all.
    expect(await toolkit.knowsTool('a', 'new a')).toBe(false)
    await toolkit.register('a', { code_hash: 'new a', toolkit_hash: 'new AB' })
    expect(await toolkit.knowsTool('b', 'new b')).toBe(false)
    expect(await toolkit.knows('new AB')).toBe(false)
    await toolkit.register('b', { code_hash: 'new b', toolkit_hash: 'new AB' })
    expect(await toolkit.knows('new AB')).toBe(true)
    expect(await toolkit.knowsTool('b', 'new b')).toBe(true)
    expect(await toolkit.knows('new AB')).toBe(true)
  })

  it('know no hash that was registered at the same time as a tool that is refused', async () => {
    const server = await start()
    const toolkit = toolkitOf(server, server.keys.toolkitKey, 'app')
    const answers = await Promise.all([
      toolkit.register('a', { toolkit_hash: 'all' }),
      toolkit.register('not a name', { toolkit_hash: 'all' }),
      toolkit.register('b', { toolkit_hash: 'all' }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 200])
    expect(await toolkit.knows('all')).toBe(false)
  })

  it('know nothing of another toolkit, or of a key that stands for none', async () => {
    const server = await start()
    await toolkitOf(server, server.keys.toolkitKey, 'app').register('a', { toolkit_hash: 'A' })
    const other = toolkitOf(server, await keyOf(server, 'other'), 'other')
    expect([await other.knows('A'), await other.knowsTool('a', 'code of a')]).toEqual([false, false])
    const { key } = await server.server.createKey({ kind: 'toolkit' })
    const unbound = { api_key: key, toolkit_hash: 'A' }
    expect((await ask(`${server.url}/api/v1/toolkit/verify_hash`, unbound)).body).toEqual({ up_to_date: false })
  })

  it('forget hashes when a newer client replaces a tool', async () => {
    const server = await start()
    const key = await keyOf(server, 'app')
    const old = toolkitOf(server, key, 'app')
    await old.register('a', { toolkit_hash: 'A' })
    const client = await server.toolkit({ appName: 'app' })
    client.registerTool({ name: 'a', description: 'anew' }, () => 1)
    await client.start()
    expect([await old.knows('A'), await old.knowsTool('a', 'code of a')]).toEqual([false, false])
  })

  async function outlivesRestart(options: Parameters<typeof startTestServer>[0]): Promise<void> {
    const before = await startTestServer({ ...options, keepData: true })
    const { toolkitKey } = before.keys
    const token = (await toolkitOf(before, toolkitKey, 'app').register('a', { toolkit_hash: 'A' })).body.exchange_token
    await before[Symbol.asyncDispose]()
    const after = await start(options)
    const toolkit = toolkitOf(after, toolkitKey, 'app')
    expect([await toolkit.knows('A'), await toolkit.knowsTool('a', 'code of a')]).toEqual([true, true])
    await using _process = await serveTools(after.url, toolkitKey, { a: () => 'still here' })
    expect(await after.llm().call({ toolkitId: 'app', tool: 'a' })).toBe('still here')
    const body = { exchange_token: token, function_id: 'a', result: 1 }
    expect((await ask(`${after.url}/api/v1/execute_function`, body)).status).toBe(200)
  }

  it('know on SQLite what was registered before a restart', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'atp-legacy-'))
    onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
    await outlivesRestart({ dataDir })
  })

  describePostgres('with a database', () => {
    it('know on PostgreSQL what was registered before a restart', async () => {
      const dataDir = await mkdtemp(join(tmpdir(), 'atp-legacy-'))
      onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
      await outlivesRestart({ dataDir, databaseUrl: emptySchema() })
    })
  })
})

it('takes from strangers no more than 64 KiB of a body, unless it is a registration', async () => {
  const server = await start()
  const large = { api_key: server.keys.toolkitKey, padding: 'x'.repeat(65_536) }
  for (const path of ['toolkit/verify_hash', 'toolkit/verify_tool_hash', 'execute_function']) {
    const answer = await ask(`${server.url}/api/v1/${path}`, large)
    expect(answer).toMatchObject({ status: 413, body: { error: expect.stringContaining('65536 bytes') } })
  }
})

describe('execute_function', () => {
  it('takes a token once, for its own function', async () => {
    const server = await start()
    const { exchange_token } = (await toolkitOf(server, server.keys.toolkitKey, 'app').register('a')).body
    const url = `${server.url}/api/v1/execute_function`
    expect((await ask(url, { exchange_token: 'made up', function_id: 'a' })).status).toBe(401)
    expect((await ask(url, { exchange_token, function_id: 'a', result: null })).status).toBe(200)
    expect((await ask(url, { exchange_token, function_id: 'a', result: null })).status).toBe(401)
    const second = (await toolkitOf(server, server.keys.toolkitKey, 'app').register('b')).body.exchange_token
    expect((await ask(url, { exchange_token: second, function_id: 'a' })).status).toBe(401)
    expect((await ask(url, { exchange_token: second, function_id: 'b' })).status).toBe(200)
    expect((await ask(url, { function_id: 'a' })).status).toBe(400)
  })
})
