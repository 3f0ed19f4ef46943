import { expect, it } from 'vitest'
import { connectRawPeer } from '../support/raw-peer.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

/** What each way of a key beside the `Authorization` header is answered with. */
async function waysOfKey({ url, keys }: TestServer): Promise<Record<string, number>> {
  const knock = async (path: string): Promise<number> => {
    try {
      await using _peer = await connectRawPeer({ url, path: path as '/ws/v2/llm', hello: false })
      return 101
    } catch (error) {
      return (error as { status: number }).status
    }
  }
  const post = async (path: string, body: object): Promise<number> => {
    const headers = { 'content-type': 'application/json' }
    return (await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })).status
  }
  const task = { type: 'task_request', request_id: 'r', toolkit_id: 'none', payload: { function: 'f', parameters: {} } }
  return {
    'a toolkit’s socket': await knock(`/ws/v1/atp/toolkit-client/${keys.toolkitKey}/`),
    'the address of an inbox': (await fetch(`${url}/api/v1/toolkit/${keys.toolkitKey}/inbox`)).status,
    'the body of a call': await post('/api/v1/atp/llm-client/process/', { ...task, api_key: keys.llmKey }),
  }
}

it('takes keys from addresses and bodies for the Python SDK, and not where the operator turned that off', async () => {
  await using on = await startTestServer()
  expect(await waysOfKey(on)).toEqual({
    'a toolkit’s socket': 101,
    'the address of an inbox': 200,
    'the body of a call': 200,
  })
  await using off = await startTestServer({ legacy: false })
  expect(await waysOfKey(off)).toEqual({
    'a toolkit’s socket': 404,
    'the address of an inbox': 404,
    'the body of a call': 401,
  })
  // The route itself is there for keys in the header.
  const headers = { authorization: `Bearer ${off.keys.llmKey}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ type: 'get_toolkit_context', request_id: 'r', toolkit_id: 'none' })
  const answer = await fetch(`${off.url}/api/v1/atp/llm-client/process/`, { method: 'POST', headers, body })
  expect(answer.status).toBe(404)
})
