import { describe, expect, it } from 'vitest'
import { startTestServer } from '../support/test-server.ts'

describe('an idempotency key', () => {
  it('is refused while its call runs, which is named', async () => {
    await using server = await startTestServer()
    const [began, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()]
    const toolkit = await server.toolkit({ appName: 'slow' })
    toolkit.registerTool({ name: 'hold', description: '' }, () => {
      began.resolve()
      return finish.promise
    })
    await toolkit.start()
    const post = async (): Promise<unknown> => {
      const answer = await fetch(`${server.url}/api/v1/atp/llm-client/process/`, {
        method: 'POST',
        headers: {
          ...{ authorization: `Bearer ${server.keys.llmKey}`, 'content-type': 'application/json' },
          ...{ accept: 'application/vnd.atp+json', 'idempotency-key': 'k1' },
        },
        body: JSON.stringify({
          ...{ type: 'task_request', request_id: 'r', toolkit_id: 'slow' },
          payload: { function: 'hold', parameters: {} },
        }),
      })
      return [answer.status, await answer.json()]
    }
    const first = post()
    await began.promise
    const code = { code: 'idempotency_in_progress', details: { call_id: expect.any(String) } }
    expect(await post()).toEqual([409, expect.objectContaining(code)])
    finish.resolve('done')
    expect(await first).toMatchObject([200, { payload: { result: 'done' } }])
    expect(await post()).toMatchObject([200, { payload: { result: 'done' } }])
  })

  it('has 1 to 255 characters', async () => {
    await using server = await startTestServer()
    const toolkit = await server.toolkit({ appName: 'fast' })
    toolkit.registerTool({ name: 'answer', description: '' }, () => 42)
    await toolkit.start()
    const llm = server.llm({ protocol: 'http' })
    const call = (idempotencyKey: string): Promise<unknown> =>
      llm.call({ toolkitId: 'fast', tool: 'answer', idempotencyKey })
    await expect(call('k'.repeat(255))).resolves.toBe(42)
    for (const length of [0, 256]) {
      await expect(call('k'.repeat(length))).rejects.toMatchObject({ code: 'invalid_request' })
    }
    const answer = await fetch(`${server.url}/api/v1/atp/llm-client/process/`, {
      method: 'POST',
      headers: {
        ...{ authorization: `Bearer ${server.keys.llmKey}`, 'content-type': 'application/json' },
        'idempotency-key': 'k'.repeat(256),
      },
      body: JSON.stringify({
        ...{ type: 'task_request', request_id: 'r', toolkit_id: 'fast' },
        payload: { function: 'answer', parameters: {} },
      }),
    })
    expect(await answer.text()).toContain('An idempotency key has 1 to 255 characters')
  })
})
