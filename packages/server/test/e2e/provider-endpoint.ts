import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type ProviderWire, type ScriptedCall, WireRefusal } from './provider-wire.ts'
import { createAnthropicWire } from './provider-wire-anthropic.ts'
import { createChatWire } from './provider-wire-chat.ts'
import { createMistralWire } from './provider-wire-mistral.ts'
import { createResponsesWire } from './provider-wire-responses.ts'

/** The APIs that can be imitated; the two of OpenAI are one provider each. */
export type EndpointProvider = 'openai' | 'openai-chat' | 'anthropic' | 'mistralai'

/** A running imitation of a provider's API. */
export interface ProviderEndpoint extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, without `/v1`. */
  readonly url: string
  /** The bodies posted to it so far. */
  readonly requests: unknown[]
}

const wires: Record<EndpointProvider, (calls: readonly ScriptedCall[]) => ProviderWire> = {
  openai: createResponsesWire,
  'openai-chat': createChatWire,
  anthropic: createAnthropicWire,
  mistralai: createMistralWire,
}

/**
 * Starts a provider's API on a free port of the loopback address, with a model that makes `calls` all at once and, when
 * it gets their results, quotes them. Requests the real API would refuse get its status and error body.
 */
export async function startProviderEndpoint(
  provider: EndpointProvider,
  calls: readonly ScriptedCall[],
): Promise<ProviderEndpoint> {
  const wire = wires[provider](calls)
  const requests: unknown[] = []
  const server = createServer((request, response) => {
    serve(wire, requests, request, response).catch((error: unknown) => {
      send(response, 500, { error: { message: String(error), type: 'server_error', param: null, code: null } })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function serve(
  wire: ProviderWire,
  requests: unknown[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await text(request)
  try {
    if (request.method !== 'POST' || request.url !== wire.path) {
      throw new WireRefusal(`Invalid URL (${request.method} ${request.url})`, { status: 404 })
    }
    if (!wire.isAuthorized(request.headers)) throw new WireRefusal('Incorrect API key provided', { status: 401 })
    const parsed = readJson(body)
    requests.push(parsed)
    send(response, 200, wire.answer(parsed))
  } catch (error) {
    if (!(error instanceof WireRefusal)) throw error
    send(response, error.status, wire.toErrorBody(error))
  }
}

function readJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new WireRefusal('We could not parse the JSON body of your request.')
  }
}

function send(response: ServerResponse, status: number, body: Record<string, unknown>): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
