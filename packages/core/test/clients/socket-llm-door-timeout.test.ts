import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { LLMClient } from '../../src/clients/llm-client.ts'
import { connectByCall, makeClient } from './llm-support.ts'
import { llmServer } from './scripted-server.ts'

let client: LLMClient

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(async () => {
  await client.close()
  vi.useRealTimers()
})

it('a call that is not answered in time is rejected, and cancelled where it may still run', async () => {
  const server = llmServer()
  client = makeClient(server)
  const peer = await connectByCall(client, server)
  const calling = expect(client.call({ toolkitId: 'demo', tool: 'slow', timeoutMs: 1_000 })).rejects.toMatchObject({
    code: 'deadline_exceeded',
  })
  const { requestId } = await peer.next('call')
  await vi.advanceTimersByTimeAsync(7_000)
  await calling
  expect(await peer.next('cancel')).toMatchObject({ requestId })
})
