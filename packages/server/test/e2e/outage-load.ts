import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Client } from 'pg'
import { connectRawPeer, type RawPeer, wireTool } from '../support/raw-peer.ts'
import type { TestServer } from '../support/test-server.ts'

/** One thing that was asked of a server, and how it ended. */
export interface Attempt {
  what: string
  startedAt: number
  endedAt: number
  /** `ok`, or what was answered instead: `503 store_unavailable`. */
  outcome: string
}

/** Clients that ask a server for everything it does, over and over, and note how each attempt ended. */
export interface OutageLoad {
  readonly attempts: Attempt[]
  /** How long this process, server and clients alike, was held up at worst: what a busy machine adds to any time. */
  readonly heldUpMs: number
  /** Ids of the calls that were answered with their result. */
  readonly callIds: string[]
  /** Ids of the keys that were acknowledged. */
  readonly keyIds: string[]
  /** Ends the load and waits for its last answers. */
  stop(): Promise<void>
}

/** What needs the database: a new key, a list, a call with a key in its header, a connection, a registration. */
export const durable = ['key', 'list', 'call over HTTP', 'connection', 'registration']
/** What does not: a call between clients that are connected. */
export const live = 'call'

/** A peer that does not answer would hold a test for ever. */
const patienceMs = 15_000

/** Starts the load on a server that has a toolkit `steady` with a tool `ping`. */
export async function startLoad({ url, keys, server }: TestServer): Promise<OutageLoad> {
  const attempts: Attempt[] = []
  const callIds: string[] = []
  const keyIds: string[] = []
  const { key: registrarKey } = await server.createKey({ kind: 'toolkit', name: 'changing' })
  const registrar = await connectRawPeer({ url, path: '/ws/v2/toolkit', key: registrarKey })
  const caller = await connectRawPeer({ url, path: '/ws/v2/llm', key: keys.llmKey })
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  let number = 0
  let stopped = false

  const ask = async (peer: RawPeer, frame: Record<string, unknown>): Promise<Record<string, unknown>> => {
    const request_id = `r${number++}`
    peer.send({ ...frame, request_id })
    const answer = await peer.next((received) => received.request_id === request_id)
    peer.frames.length = 0
    return answer
  }
  const post = (path: string, key: string, body: unknown): Promise<Response> =>
    fetch(url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const work: Record<string, () => Promise<string>> = {
    async key() {
      const answer = await post('/api/v2/keys', keys.adminKey, { kind: 'llm' })
      const body = (await answer.json()) as { id: string }
      if (answer.status === 201) keyIds.push(body.id)
      return outcomeOf(answer.status, body)
    },
    async list() {
      const answer = await fetch(`${url}/api/v2/toolkits`, { headers: { authorization: `Bearer ${keys.adminKey}` } })
      return outcomeOf(answer.status, await answer.json())
    },
    async 'call over HTTP'() {
      const message = {
        type: 'task_request',
        request_id: `h${number++}`,
        toolkit_id: 'steady',
        payload: { function: 'ping', parameters: {} },
      }
      const answer = await post('/api/v1/atp/llm-client/process/', keys.llmKey, message)
      return outcomeOf(answer.status, await answer.json())
    },
    async connection() {
      try {
        await (await connectRawPeer({ url, path: '/ws/v2/llm', key: keys.llmKey }))[Symbol.asyncDispose]()
        return 'ok'
      } catch (error) {
        const { status, body = '{}' } = error as { status?: number; body?: string }
        return outcomeOf(status ?? 0, JSON.parse(body))
      }
    },
    async registration() {
      const tools = [wireTool(`tool_${number++}`)]
      const { type, error } = await ask(registrar, { type: 'register', toolkit_hash: `h${number}`, tools })
      return type === 'registered' ? 'ok' : outcomeOf(503, error)
    },
    async [live]() {
      const answer = await ask(caller, { type: 'call', toolkit_id: 'steady', tool: 'ping', params: {} })
      if (answer.ok) callIds.push(String(answer.call_id))
      return answer.ok ? 'ok' : outcomeOf(503, answer.error)
    },
  }

  const loops = Object.entries(work).map(async ([what, attempt]) => {
    while (!stopped) {
      const startedAt = performance.now()
      const outcome = await Promise.race([
        attempt().catch((error: unknown) => String(error)),
        new Promise<string>((resolve) => setTimeout(resolve, patienceMs, 'no answer').unref()),
      ])
      attempts.push({ what, startedAt, endedAt: performance.now(), outcome })
      // A key may open 60 connections in ten seconds.
      await new Promise((done) => setTimeout(done, what === 'connection' ? 200 : 20))
    }
  })
  return {
    attempts,
    callIds,
    keyIds,
    get heldUpMs() {
      return delay.max / 1e6
    },
    async stop() {
      stopped = true
      await Promise.all(loops)
      delay.disable()
      await registrar[Symbol.asyncDispose]()
      await caller[Symbol.asyncDispose]()
    },
  }
}

function outcomeOf(status: number, body: unknown): string {
  const { code } = (body ?? {}) as { code?: string }
  return status < 300 ? 'ok' : `${status} ${code}`
}

/** Those of the ids that a table does not have. */
export async function missingIds(client: Client, table: 'keys' | 'calls', ids: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `select id from unnest($1::text[]) as given (id) where id not in (select id from ${table})`,
    [ids],
  )
  return rows.map(({ id }) => id)
}
