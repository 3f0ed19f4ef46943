import { describe, expect, it } from 'vitest'
import { startTestServer } from '../../support/test-server.ts'
import { ask } from './legacy-peers.ts'

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
})
