import { expect, it, vi } from 'vitest'
import { inboxPeer } from '../support/inbox-peer.ts'
import { wireTool } from '../support/raw-peer.ts'
import { startTestServer } from '../support/test-server.ts'

it('tells how long a stored call has waited, also when the clock was set back meanwhile', async () => {
  await using server = await startTestServer()
  await inboxPeer(server, 'mail', [wireTool('work')])
  const { callId } = await server.llm().call({ toolkitId: 'mail', tool: 'work', detach: true })
  const hourAgo = Date.now() - 3_600_000
  const clock = vi.spyOn(Date, 'now').mockReturnValue(hourAgo)
  try {
    const headers = { authorization: `Bearer ${server.keys.adminKey}` }
    const answer = await fetch(`${server.url}/api/v2/calls/${callId}`, { headers })
    const call = (await answer.json()) as { state: string; duration_ms: number }
    expect(call.state).toBe('queued')
    expect(call.duration_ms).toBeGreaterThanOrEqual(0)
  } finally {
    clock.mockRestore()
  }
})
