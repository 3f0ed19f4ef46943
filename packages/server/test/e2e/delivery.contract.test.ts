import { setTimeout as wait } from 'node:timers/promises'
import type { ToolKitClient } from '@atp/core'
import { describe, expect, it } from 'vitest'
import { deliveryKinds, startDelivery } from '../support/start-delivery.ts'
import { startTestServer } from '../support/test-server.ts'

/* One tool, reached in three ways, is the same tool. */

const started: string[] = []
const aborted: string[] = []

function registerTools(toolkit: ToolKitClient): void {
  const schema = {
    type: 'object',
    properties: { a: { type: 'number' }, b: { type: 'number' } },
    required: ['a', 'b'],
  }
  toolkit.registerTool({ name: 'add', description: 'Adds.', params: schema }, (args) => {
    const { a, b } = args as { a: number; b: number }
    return { sum: a + b, text: 'ä€😀', none: null }
  })
  const auth = { provider: 'google', type: 'OAuth2', with: 'access_token' } as const
  toolkit.registerTool({ name: 'whoami', description: '', params: { type: 'object' }, auth }, (_args, context) => {
    return { token: context.authToken }
  })
  toolkit.registerTool({ name: 'nothing', description: '', params: { type: 'object' } }, () => null)
  toolkit.registerTool({ name: 'fail', description: '', params: { type: 'object' } }, () => {
    throw new Error('it broke')
  })
  toolkit.registerTool({ name: 'large', description: '', params: { type: 'object' } }, () => 'x'.repeat(1_100_000))
  toolkit.registerTool({ name: 'slow', description: '', params: { type: 'object' }, timeoutMs: 300 }, () =>
    wait(60_000),
  )
  toolkit.registerTool(
    { name: 'count', description: '', params: { type: 'object' } },
    async function* (_args, context) {
      for (let n = 0; n < 5; n += 1) {
        context.progress({ n })
        yield { n, text: 'ü' }
      }
      return 'counted'
    },
  )
  toolkit.registerTool({ name: 'hold', description: '', params: { type: 'object' } }, (args, context) => {
    const { name } = args as { name: string }
    started.push(name)
    return new Promise(() => {
      context.signal.addEventListener('abort', () => aborted.push(name))
    })
  })
}

describe.each(deliveryKinds)('a tool behind %s', (kind) => {
  it('gives its result, whatever it is, and gets its token', async () => {
    await using server = await startTestServer()
    await using _toolkit = await startDelivery(server, kind, 'same', registerTools)
    const llm = server.llm()
    const call = (tool: string, more: object = {}) => llm.call({ toolkitId: 'same', tool, ...more })
    await expect(call('add', { params: { a: 1, b: 2 } })).resolves.toEqual({ sum: 3, text: 'ä€😀', none: null })
    await expect(call('nothing')).resolves.toBeNull()
    await expect(call('whoami', { authToken: 'secret-token' })).resolves.toEqual({ token: 'secret-token' })
  })

  it('fails with the same errors', async () => {
    await using server = await startTestServer()
    await using _toolkit = await startDelivery(server, kind, 'same', registerTools)
    const llm = server.llm()
    const failure = async (tool: string, more: object = {}) =>
      llm.call({ toolkitId: 'same', tool, ...more }).then(
        () => undefined,
        ({ code, message }) => ({ code, message }),
      )
    await expect(failure('fail')).resolves.toEqual({ code: 'tool_error', message: 'it broke' })
    await expect(failure('add', { params: { a: 1 } })).resolves.toEqual({
      code: 'missing_params',
      message: 'Missing required parameters: b',
    })
    await expect(failure('add', { params: { a: 'one', b: 2 } })).resolves.toMatchObject({
      code: 'invalid_params',
      message: expect.stringContaining('Invalid parameters for tool "add": a'),
    })
    await expect(failure('whoami')).resolves.toMatchObject({ code: 'missing_token' })
    await expect(failure('large')).resolves.toMatchObject({ code: 'result_too_large' })
    await expect(failure('slow')).resolves.toMatchObject({ code: 'deadline_exceeded' })
    await expect(failure('unknown')).resolves.toMatchObject({ code: 'tool_not_found' })
  })

  it.each(['ws', 'http'] as const)('streams the same parts to a caller over %s', async (protocol) => {
    await using server = await startTestServer()
    await using _toolkit = await startDelivery(server, kind, 'same', registerTools)
    const chunks: unknown[] = []
    const progress: unknown[] = []
    let result: unknown
    for await (const part of server.llm({ protocol }).callStreaming({ toolkitId: 'same', tool: 'count' })) {
      if (part.type === 'chunk') chunks.push([part.sequence, part.data])
      else if (part.type === 'progress') progress.push(part.progress)
      else result = part.result
    }
    expect(chunks).toEqual([0, 1, 2, 3, 4].map((n) => [n, { n, text: 'ü' }]))
    expect(progress).toEqual([0, 1, 2, 3, 4].map((n) => ({ n })))
    expect(result).toBe('counted')
  })

  it('is told within a second when its caller cancels, a hundred calls at once', async () => {
    await using server = await startTestServer({ limits: { endpointCallsPerToolkit: 512 } })
    await using _toolkit = await startDelivery(server, kind, 'same', registerTools)
    const llm = server.llm()
    const controller = new AbortController()
    started.length = 0
    aborted.length = 0
    const count = 100
    const calls = Array.from({ length: count }, (_, at) =>
      llm
        .call({ toolkitId: 'same', tool: 'hold', params: { name: `${at}` }, signal: controller.signal })
        .catch((error: unknown) => error),
    )
    await expect.poll(() => started.length).toBe(count)
    const cancelledAt = performance.now()
    controller.abort()
    await expect.poll(() => aborted.length, { interval: 5 }).toBe(count)
    expect(performance.now() - cancelledAt).toBeLessThan(1_000)
    for (const outcome of await Promise.all(calls)) expect(outcome).toMatchObject({ code: 'cancelled' })
  })
})
