import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { anthropicWire } from './anthropic-wire.ts'
import { mistralWire, openaiChatWire } from './chat-wires.ts'
import { responsesWire } from './responses-wire.ts'
import type { Json, ScriptedTurn, StreamWire } from './wire.ts'

export type { Json, ScriptedCall, ScriptedTurn } from './wire.ts'

/** As `--provider` names them. */
export type EndpointProvider = 'openai' | 'openai-chat' | 'anthropic' | 'mistral'

/** All of them. */
export const endpointProviders: readonly EndpointProvider[] = ['openai', 'openai-chat', 'anthropic', 'mistral']

/** The turns in order, or what decides each of them by the results in the conversation. */
export type Script = readonly ScriptedTurn[] | ((results: string[], body: Json) => ScriptedTurn)

/** A running imitation of a provider's API that streams. */
export interface ProviderEndpoint extends AsyncDisposable {
  /** The settings that make `atp chat` use it. */
  readonly env: Record<string, string>
  /** The bodies of requests that were fine. */
  readonly requests: Json[]
  /** What the real API would have refused. */
  readonly problems: string[]
  /** How many answers are being written now. */
  open(): number
}

/** The key that the endpoint takes. */
export const providerKey = 'sk-test-0123456789abcdefSECRET'

const wires: Record<EndpointProvider, StreamWire> = {
  openai: responsesWire,
  'openai-chat': openaiChatWire,
  anthropic: anthropicWire,
  mistral: mistralWire,
}

/** Starts a provider's API on a free port of the loopback address. Events arrive cut anywhere, also inside characters. */
export async function startProviderEndpoint(provider: EndpointProvider, script: Script): Promise<ProviderEndpoint> {
  const wire = wires[provider]
  const requests: Json[] = []
  const problems: string[] = []
  let open = 0
  let turns = 0
  const server = createServer((request, response) => {
    open += 1
    response.on('close', () => {
      open -= 1
    })
    serve(request, response).catch((error: unknown) => {
      if (!response.destroyed) problems.push(String(error))
      response.destroy()
    })
  })

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse(await text(request)) as Json
    if (request.method !== 'POST' || request.url !== wire.path) {
      return refuse(response, 404, `Invalid URL (${request.method} ${request.url})`)
    }
    if (!wire.carriesKey(request.headers, providerKey)) {
      return refuse(response, 401, `Incorrect API key provided: ${JSON.stringify(request.headers.authorization)}`)
    }
    try {
      wire.check(body)
    } catch (error) {
      problems.push(String(error))
      return refuse(response, 400, String(error))
    }
    requests.push(body)
    const turn = typeof script === 'function' ? script(wire.results(body), body) : script[turns]
    turns += 1
    if (turn === undefined) return refuse(response, 400, 'The script has ended')
    if (turn.refusal) return refuse(response, turn.refusal.status, turn.refusal.message, turn.refusal.code)
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    const { begun, rest } = wire.events(turn, String(body.model))
    await writeInPieces(response, begun)
    if (turn.breaks) return void response.destroy()
    // What follows comes when the caller hangs up, that is never.
    if (turn.stalls) return
    await writeInPieces(response, turn.fails === undefined ? rest : wire.failure(turn.fails))
    response.end()
  }

  function refuse(response: ServerResponse, status: number, message: string, code?: string): void {
    // The header with which a provider asks for a pause: none worth waiting for.
    const headers = { 'content-type': 'application/json', 'retry-after-ms': '1' }
    response.writeHead(status, headers).end(JSON.stringify(wire.errorBody(status, message, code)))
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    env: endpointEnv(provider, url),
    requests,
    problems,
    open: () => open,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function endpointEnv(provider: EndpointProvider, url: string): Record<string, string> {
  const name = provider.startsWith('openai') ? 'OPENAI' : provider.toUpperCase()
  return { [`${name}_BASE_URL`]: name === 'OPENAI' ? `${url}/v1` : url, [`${name}_API_KEY`]: providerKey }
}

async function writeInPieces(response: ServerResponse, events: string): Promise<void> {
  const bytes = Buffer.from(events)
  for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 61) {
    response.write(bytes.subarray(at, at + size))
    await setImmediate()
  }
}
