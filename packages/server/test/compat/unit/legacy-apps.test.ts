import { describe, expect, it } from 'vitest'
import { connectRawPeer } from '../../support/raw-peer.ts'
import { startTestServer } from '../../support/test-server.ts'
import { ask, registration } from './legacy-peers.ts'

/* Sessions of apps, relayed to a toolkit that speaks as the Python SDK would. */

describe('a session of an app of a Python toolkit', () => {
  it('is started, acted upon and ended, each in the words of its SDK', async () => {
    await using server = await startTestServer()
    const { key } = await server.server.createKey({ kind: 'toolkit', name: 'python' })
    await ask(`${server.url}/api/v1/register_tool`, registration(key, 'python', 'board'))
    const path = `/ws/v1/atp/toolkit-client/${key}/` as '/ws/v2/toolkit'
    await using toolkit = await connectRawPeer({ url: server.url, path, hello: false })
    const received = (type: string) =>
      toolkit.next((frame) => (frame as { message_type?: string }).message_type === type)
    await received('atp_client_connected')
    await using llm = await connectRawPeer({ url: server.url, path: '/ws/v2/llm', key: server.keys.llmKey })
    const call = (request_id: string, app: object, params = {}) =>
      llm.send({ type: 'call', request_id, toolkit_id: 'python', tool: 'board', params, app })
    const answer = (request_id: string) => llm.next((frame) => frame.request_id === request_id)
    type Message = { payload: Record<string, unknown> }

    call('1', { session_id: 's', event: 'start' }, { size: 3 })
    const { payload: started } = (await received('atp_app_request')) as unknown as Message
    expect(started).toMatchObject({ tool_name: 'board', params: { size: 3 } })
    toolkit.send({ type: 'app_response', request_id: started.request_id, result: { category: 'text' } })
    expect(await answer('1')).toMatchObject({ ok: true, result: { ui: { category: 'text' }, ended: false } })

    call('2', { session_id: 's', event: 'action', data: { clicked: 'next' } })
    const { payload: acted } = (await received('atp_app_action')) as unknown as Message
    expect(acted).toEqual({ request_id: started.request_id, action_data: { clicked: 'next' } })
    toolkit.send({ type: 'app_response', request_id: started.request_id, result: { category: 'next' } })
    expect(await answer('2')).toMatchObject({ ok: true, result: { ui: { category: 'next' }, ended: false } })

    call('3', { session_id: 's', event: 'close' })
    const { payload: ended } = (await received('atp_app_terminate')) as unknown as Message
    expect(ended).toEqual({ request_id: started.request_id })
    expect(await answer('3')).toMatchObject({ ok: true, result: null })

    call('4', { session_id: 's', event: 'action' })
    expect(await answer('4')).toMatchObject({ ok: false, error: { code: 'not_found' } })
  })
})
