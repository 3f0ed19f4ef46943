import { afterEach, beforeEach, expect, vi } from 'vitest'
import { LLMClient, type LLMClientOptions } from '../../src/clients/llm-client.ts'
import type { FromLlmFrame } from '../../src/protocol/frames.ts'
import { llmServer, type ScriptedPeer, type ScriptedServer } from './scripted-server.ts'

/** The far end of an LLM client's connection. */
export type LlmPeer = ScriptedPeer<FromLlmFrame>

/** An LLM client whose server is a script. */
export function makeClient(server: ScriptedServer<FromLlmFrame>, options: Partial<LLMClientOptions> = {}): LLMClient {
  return new LLMClient({
    apiKey: 'atp_llm_key',
    connect: server.memory.connect,
    backoff: { random: () => 0.5 },
    ...options,
  })
}

/** Answers the next call. */
export async function answerNext(peer: LlmPeer, result: unknown): Promise<void> {
  const { requestId } = await peer.next('call')
  peer.send({ type: 'result', requestId, ok: true, result })
}

/** Connects a client by its first call, `q1`. */
export async function connectByCall(client: LLMClient, server: ScriptedServer<FromLlmFrame>): Promise<LlmPeer> {
  const calling = client.call({ toolkitId: 'demo', tool: 'ping' })
  const peer = await server.welcome()
  await answerNext(peer, 'pong')
  await calling
  return peer
}

/** A client that is connected to a script, and the far end of its connection. */
export interface ConnectedLlm {
  server: ScriptedServer<FromLlmFrame>
  client: LLMClient
  peer: LlmPeer
}

/** Connects a new client before each test, on a clock that tests move; after it no timer may be left. */
export function connectForEachTest(use: (connected: ConnectedLlm) => void): void {
  let client: LLMClient

  beforeEach(async () => {
    vi.useFakeTimers()
    const server = llmServer()
    client = makeClient(server)
    use({ server, client, peer: await connectByCall(client, server) })
  })

  afterEach(async () => {
    await client.close()
    await vi.advanceTimersByTimeAsync(0)
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })
}
