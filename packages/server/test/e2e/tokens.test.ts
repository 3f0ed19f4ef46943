import { expect, it } from 'vitest'
import { connectRawPeer, wireTool } from '../support/raw-peer.ts'
import { startTestServer } from '../support/test-server.ts'

it.each(['ws', 'http'] as const)(
  'an end user’s token goes to tools that declare auth alone, and never among params, over %s',
  async (protocol) => {
    await using server = await startTestServer()
    const { key } = await server.server.createKey({ kind: 'toolkit', name: 'mixed' })
    await using toolkit = await connectRawPeer({ url: server.url, path: '/ws/v2/toolkit', key })
    const auth = { auth_provider: 'github', auth_type: 'oauth2', auth_with: 'access_token' }
    const tools = [wireTool('open'), wireTool('with_auth', auth)]
    toolkit.send({ type: 'register', request_id: 'r', toolkit_hash: 'h', tools })
    await expect(toolkit.next(({ type }) => type === 'registered')).resolves.toMatchObject({ rejected: [] })
    const llm = server.llm({ protocol })
    const arrived = async (tool: string): Promise<Record<string, unknown>> => {
      const call = llm.call({ toolkitId: 'mixed', tool, params: { a: 1 }, authToken: 'gho_canary' })
      const frame = await toolkit.next((each) => each.type === 'call' && each.tool === tool)
      toolkit.send({ type: 'result', request_id: frame.request_id, ok: true, result: null })
      await call
      return frame
    }
    expect(JSON.stringify(await arrived('open'))).not.toContain('gho_canary')
    expect(await arrived('with_auth')).toMatchObject({ auth_token: 'gho_canary', params: { a: 1 } })
    expect(JSON.stringify(toolkit.frames).match(/gho_canary/g)).toHaveLength(1)
  },
)
