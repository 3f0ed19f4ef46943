import { describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../support/test-server.ts'
import { ask, registration } from './legacy-peers.ts'

describe('the inbox', () => {
  it('is empty, and takes every answer as a late one', async () => {
    await using server = await startTestServer()
    const base = `${server.url}/api/v1/toolkit/${server.keys.toolkitKey}/inbox`
    expect(await ask(base)).toEqual({ status: 200, body: {} })
    for (const body of [{ request_id: 'late', response: { x: null } }, { response: { error: 'again' } }, []]) {
      expect(await ask(`${base}/respond`, body)).toEqual({ status: 200, body: { status: 'ignored' } })
    }
    expect(await ask(`${server.url}/api/v1/atp/toolkit-client/${server.keys.toolkitKey}/messages/`)).toEqual({
      status: 200,
      body: {},
    })
  })

  it('takes keys with percent escapes, and refuses wrong ones', async () => {
    await using server = await startTestServer()
    const escaped = server.keys.toolkitKey.replaceAll('_', '%5F')
    expect((await ask(`${server.url}/api/v1/toolkit/${escaped}/inbox`)).status).toBe(200)
    for (const [key, status] of [
      ['atp_toolkit_wrong', 401],
      [server.keys.llmKey, 403],
    ] as const) {
      expect(await ask(`${server.url}/api/v1/toolkit/${key}/inbox`)).toMatchObject({
        status,
        body: { error: expect.any(String) },
      })
      expect((await ask(`${server.url}/api/v1/toolkit/${key}/inbox/respond`, {})).status).toBe(status)
    }
  })

  it('gives one call for each poll, held until one comes, and takes its answer', async () => {
    await using server = await startTestServer()
    const { base, llm } = await startPolling(server)
    const polling = ask(base)
    const outcome = llm.call({ toolkitId: 'python', tool: 'hello', params: { name: 'Zoë' } })
    const { body } = await polling
    expect(body).toEqual({ request_id: expect.any(String), tool_name: 'hello', params: { name: 'Zoë' } })
    const response = { text: 'hi', none: null }
    expect(await ask(`${base}/respond`, { request_id: body.request_id, response })).toMatchObject({
      status: 200,
      body: { status: 'accepted' },
    })
    await expect(outcome).resolves.toEqual(response)
    expect(await ask(`${base}/respond`, { request_id: body.request_id, response })).toMatchObject({
      body: { status: 'ignored' },
    })
  })

  it('gives what raised as the error of the tool, and every call once', async () => {
    await using server = await startTestServer({ limits: { legacyInboxWaitMs: 200 } })
    const { base, llm } = await startPolling(server)
    const outcomes = [1, 2].map(() => llm.call({ toolkitId: 'python', tool: 'hello' }).catch((error: unknown) => error))
    const ids = new Set<unknown>()
    for (const _ of outcomes) {
      const { body } = await ask(base)
      ids.add(body.request_id)
      await ask(`${base}/respond`, { request_id: body.request_id, response: { error: 'it raised' } })
    }
    expect(ids.size).toBe(2)
    expect(await ask(base)).toEqual({ status: 200, body: {} })
    expect(await Promise.all(outcomes)).toMatchObject([
      { code: 'tool_error', message: 'it raised' },
      { code: 'tool_error', message: 'it raised' },
    ])
  })

  it('serves the early build: messages, and answers by the token of a registration, which counts once', async () => {
    await using server = await startTestServer()
    const { key, token, llm } = await startPolling(server)
    const polling = ask(`${server.url}/api/v1/atp/toolkit-client/${key}/messages/`)
    const outcome = llm.call({ toolkitId: 'python', tool: 'hello' })
    expect((await polling).body).toMatchObject({
      message_type: 'atp_tool_request',
      payload: { tool_name: 'hello', params: {} },
    })
    const answer = { exchange_token: token, result: [1, 2], function_id: 'hello' }
    expect(await ask(`${server.url}/api/v1/execute_function`, answer)).toMatchObject({ body: { status: 'accepted' } })
    await expect(outcome).resolves.toEqual([1, 2])
    expect(await ask(`${server.url}/api/v1/execute_function`, answer)).toMatchObject({ status: 401 })
  })

  it('ends a call as unknown that was taken and not answered in its time', async () => {
    await using server = await startTestServer()
    const { base, llm } = await startPolling(server)
    const outcome = llm.call({ toolkitId: 'python', tool: 'hello', timeoutMs: 300 }).catch((error: unknown) => error)
    const { body } = await ask(base)
    expect(await outcome).toMatchObject({ code: 'deadline_exceeded' })
    expect(await ask(`${base}/respond`, { request_id: body.request_id, response: 1 })).toMatchObject({ status: 200 })
  })
})

/** A Python toolkit that registered a tool and has polled once, so that it counts as online. */
async function startPolling(server: TestServer) {
  const { key } = await server.server.createKey({ kind: 'toolkit', name: 'python' })
  const registered = await ask(`${server.url}/api/v1/register_tool`, registration(key, 'python', 'hello'))
  const base = `${server.url}/api/v1/toolkit/${key}/inbox`
  const gone = new AbortController()
  const first = fetch(base, { signal: gone.signal }).catch(() => undefined)
  const llm = server.llm()
  const online = () => llm.call({ toolkitId: 'python', tool: 'hello', timeoutMs: 1 }).catch(({ code }) => code)
  await expect.poll(online).not.toBe('toolkit_offline')
  gone.abort()
  await first
  return { key, base, llm, token: registered.body.exchange_token as string }
}
