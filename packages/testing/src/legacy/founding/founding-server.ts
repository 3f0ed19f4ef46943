import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { FoundingCalls } from './founding-calls.ts'
import { FoundingToolkits } from './founding-delivery.ts'
import { answerFounding, type FoundingAnswer, type FoundingParts } from './founding-http.ts'
import { FoundingSockets } from './founding-sockets.ts'
import { FoundingState } from './founding-state.ts'

/** How a founding server is started. */
export interface FoundingServerOptions {
  /** What an earlier server kept. @default new and empty */
  state?: FoundingState | undefined
  /** Where it listens; for a restart in the same place. @default a free one */
  port?: number | undefined
  /** How long a tool may take, in milliseconds. @default 120_000 */
  callTimeoutMs?: number | undefined
  /** How long a poll of an empty inbox is held, in milliseconds. @default 0 */
  inboxHoldMs?: number | undefined
}

/** A server as the founders ran it: the v1 URLs and nothing else, so that v2 requests and upgrades are answered with 404. */
export interface FoundingServer extends AsyncDisposable {
  readonly baseUrl: string
  /** Keys and registrations; give it to a later server for a restart. */
  readonly state: FoundingState
  /** Every request and upgrade that came, as `GET /path`. */
  readonly seen: readonly string[]
  /** A key for a toolkit of that name, or for one that its first registration names. */
  createToolkitKey(appName?: string): string
  createLlmKey(): string
  stop(): Promise<void>
}

/** The largest body, in bytes. */
const maxBodyBytes = 2 * 1_048_576

/** Starts a founding server on a free port of 127.0.0.1. */
export async function startFoundingServer(options: FoundingServerOptions = {}): Promise<FoundingServer> {
  const state = options.state ?? new FoundingState()
  const toolkits = new FoundingToolkits()
  const calls = new FoundingCalls(state, toolkits, options.callTimeoutMs ?? 120_000)
  const parts: FoundingParts = { state, toolkits, calls, inboxHoldMs: options.inboxHoldMs ?? 0 }
  const sockets = new FoundingSockets(parts)
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    void answer(parts, request, response).catch(() => {
      response.writeHead(400, { 'content-type': 'application/json' }).end('{"error": "The request cannot be read"}')
    })
  })
  server.on('upgrade', (request, stream, head) => {
    seen.push(`${request.method} ${request.url}`)
    sockets.upgrade(request, stream, head)
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const stop = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    sockets.closeAll()
    server.closeAllConnections()
    await closed
  }
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    state,
    seen,
    createToolkitKey: (appName) => state.createToolkitKey(appName),
    createLlmKey: () => state.createLlmKey(),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function answer(parts: FoundingParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://founding')
  const text = await readBody(request)
  const { status, json, events } = await answerFounding(parts, {
    method: request.method ?? 'GET',
    path: pathname,
    query: searchParams,
    headers: request.headers,
    body: text === '' ? undefined : (JSON.parse(text) as unknown),
  })
  write(response, { status, json, events: events ?? false })
}

function write(response: ServerResponse, { status, json, events }: FoundingAnswer): void {
  if (events)
    response.writeHead(status, { 'content-type': 'text/event-stream' }).end(`data: ${JSON.stringify(json)}\n\n`)
  else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBodyBytes) throw new Error('the body is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
