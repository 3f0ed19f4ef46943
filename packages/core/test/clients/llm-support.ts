import { LLMClient, type LLMClientOptions } from '../../src/clients/llm-client.ts'
import type { FromLlmFrame } from '../../src/protocol/frames.ts'
import type { ScriptedPeer, ScriptedServer } from './scripted-server.ts'

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
