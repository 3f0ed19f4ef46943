import { randomUUID } from 'node:crypto'
import type { TestServer } from './test-server.ts'

/** A frame as it travels. */
export type WireFrame = Record<string, unknown> & { type: string; request_id?: string; lease_id?: string }

/** A toolkit that speaks protocol 2 over single requests, by hand. */
export interface InboxPeer {
  key: string
  frames(...frames: object[]): Promise<WireFrame[]>
  poll(how?: { max?: number; waitMs?: number; signal?: AbortSignal }): Promise<WireFrame[]>
  ack(call: WireFrame | undefined): Promise<WireFrame[]>
  result(call: WireFrame | undefined, result: unknown): Promise<WireFrame[]>
}

/** Says hello and registers tools. */
export async function inboxPeer(
  server: TestServer,
  appName: string,
  tools: object[],
  givenKey?: string,
): Promise<InboxPeer> {
  const key = givenKey ?? (await server.server.createKey({ kind: 'toolkit', name: appName })).key
  const instance_id = randomUUID()

  async function post(path: string, body: object, signal?: AbortSignal): Promise<WireFrame[]> {
    const answer = await fetch(`${server.url}/api/v2/toolkit/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ instance_id, ...body }),
      signal: signal ?? null,
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(text)
    return (JSON.parse(text) as { frames: WireFrame[] }).frames
  }

  const frames = (...list: object[]): Promise<WireFrame[]> => post('frames', { frames: list })
  await frames(
    { type: 'hello', protocol: 2, instance_id, app_name: appName, capabilities: ['results'] },
    { type: 'register', request_id: 'r', toolkit_hash: 'h', tools },
  )
  return {
    key,
    frames,
    poll: ({ max = 32, waitMs = 25_000, signal } = {}) => post('poll', { max, wait_ms: waitMs }, signal),
    ack: (call) => frames({ type: 'ack', request_id: call?.request_id, lease_id: call?.lease_id }),
    result: (call, result) =>
      frames({ type: 'result', request_id: call?.request_id, lease_id: call?.lease_id, ok: true, result }),
  }
}
