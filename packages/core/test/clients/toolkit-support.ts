import { vi } from 'vitest'
import { ToolKitClient, type ToolKitClientOptions } from '../../src/clients/toolkit-client.ts'
import type { FromToolkitFrame, RegisteredFrame, RegisterFrame, UnregisterFrame } from '../../src/protocol/frames.ts'
import type { ScriptedPeer, ScriptedServer } from './scripted-server.ts'

/** A toolkit called demo with one tool, whose server is a script. */
export function makeClient(
  server: ScriptedServer<FromToolkitFrame>,
  options: Partial<ToolKitClientOptions> = {},
): ToolKitClient {
  const client = new ToolKitClient({
    apiKey: 'atp_toolkit_key',
    appName: 'demo',
    connect: server.memory.connect,
    backoff: { random: () => 0.5 },
    ...options,
  })
  client.registerTool({ name: 'first', description: 'The first tool' }, () => 'one')
  return client
}

/** Answers the next registration, or the one given: every tool is taken. */
export async function acceptTools(
  peer: ScriptedPeer<FromToolkitFrame>,
  frame?: RegisterFrame | UnregisterFrame,
  answer: Partial<RegisteredFrame> = {},
): Promise<RegisterFrame | UnregisterFrame> {
  const asked = frame ?? (await peer.next('register'))
  const { requestId } = asked
  peer.send({ type: 'registered', requestId, toolkitId: 't1', tools: [], rejected: [], resend: false, ...answer })
  return asked
}

/** The names of the tools in a register frame. */
export function toolNames(frame: RegisterFrame | UnregisterFrame): string[] {
  return (frame.tools ?? []).map((tool) => (typeof tool === 'string' ? tool : (tool as { name: string }).name))
}

/** What a client told, one line for each event. */
export interface ClientLog {
  events: string[]
}

/** Writes down what a client tells. */
export function recordEvents(client: ToolKitClient): ClientLog {
  const log: ClientLog = { events: [] }
  client.on('connected', ({ toolkitId }) => log.events.push(`connected ${toolkitId}`))
  client.on('disconnected', ({ error }) => log.events.push(`disconnected ${error?.code ?? ''}`.trim()))
  client.on('reconnecting', ({ error }) => log.events.push(`reconnecting ${error.code}`))
  client.on('call', ({ callId, tool, ok, errorCode }) =>
    log.events.push(`call ${callId} ${tool} ${ok ? 'ok' : errorCode}`),
  )
  return log
}

/** Waits for frames that are under way: their hashes are made outside of the timers that are faked. */
export async function settleHashes(): Promise<void> {
  for (let round = 0; round < 10; round += 1) {
    await crypto.subtle.digest('SHA-256', new Uint8Array(4_096))
    await vi.advanceTimersByTimeAsync(0)
  }
}
