import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { silentLogger, type Toolkit } from '@atp/core'
import { closeSignal, createAtpHandler, nodeBody, writeNodeResponse } from '@atp/core/http'
import { onTestFinished, vi } from 'vitest'
import { createMemoryBus } from '../../src/bus/memory.ts'
import type { MessageBus } from '../../src/bus/message-bus.ts'
import type { Call, CallInit, CallOutcome } from '../../src/calls/call.ts'
import { EndpointDelivery, type EndpointDeliveryOptions } from '../../src/delivery/endpoint.ts'
import { createEndpointSecrets } from '../../src/keys/endpoint-secret.ts'
import { createKeyService, type KeyService } from '../../src/keys/key-service.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Store, StoredToolkit } from '../../src/store/store.ts'
import { generateMasterKey, parseMasterKeys } from '../../src/vault/master-keys.ts'
import { createVault } from '../../src/vault/vault.ts'
import { temporaryFolder } from '../store/temporary-folder.ts'
import { makeCall } from '../support/make-call.ts'

/** What a web server saw of one request. */
export interface SeenRequest {
  url: string
  headers: IncomingMessage['headers']
  body: string
}

/** Serves a toolkit below `/api`, with nothing said about who may run its tools. */
export async function serveToolkit(toolkit: Toolkit): Promise<string> {
  const handle = createAtpHandler(toolkit)
  const { url } = await listen((request, response) => {
    const answer = handle({
      ...{ method: request.method ?? '', path: request.url?.replace(/^\/api/, '') ?? '', basePath: '/api' },
      origin: () => 'http://localhost',
      header: (name) => request.headers[name]?.toString(),
      body: () => nodeBody(request),
      signal: closeSignal(response),
      native: undefined,
    })
    if (answer === undefined) response.writeHead(404).end()
    else void answer.then((ready) => writeNodeResponse(response, ready))
  })
  return `${url}/api`
}

/** Listens on a free port until the test ends, and answers by hand; `seen` has the requests with their bodies. */
export async function serveAnswers(
  answer: (request: SeenRequest, response: ServerResponse, count: number) => void,
): Promise<{ url: string; seen: SeenRequest[]; close: () => void }> {
  const seen: SeenRequest[] = []
  const { url, close } = await listen((request, response) => {
    void text(request).then((body) => {
      const one = { url: request.url ?? '', headers: request.headers, body }
      seen.push(one)
      answer(one, response, seen.length)
    })
  })
  return { url, seen, close }
}

async function listen(
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ url: string; close: () => void }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  const close = (): void => {
    server.closeAllConnections()
    server.close()
  }
  onTestFinished(close)
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

/** A delivery on a store of its own, with one toolkit that has one key. */
export interface Given {
  delivery: EndpointDelivery
  store: Store
  bus: MessageBus
  keys: KeyService
  toolkit: StoredToolkit
  /** The key of the toolkit. */
  key: { id: string; key: string }
  /** Makes a further key of the toolkit. */
  addKey(expiresAt?: number): Promise<{ id: string; key: string }>
  /** Logged lines, as text. */
  logged: string[]
  /** Sends a call to an endpoint; the outcome is awaited apart. */
  send(url: string | null, init?: Partial<CallInit>): Sent
}

/** A call that was handed over. */
export interface Sent {
  call: Call
  /** What `dispatch` said. */
  refusal: ReturnType<EndpointDelivery['dispatch']>
  outcome: Promise<CallOutcome>
}

export async function given(options: Partial<EndpointDeliveryOptions> = {}): Promise<Given> {
  const store = await openSqliteStore({ folder: await temporaryFolder(), serve: true, logger: silentLogger })
  onTestFinished(() => store.close())
  const vault = createVault({ store, masterKeys: parseMasterKeys(generateMasterKey().entry) })
  const { id: projectId } = await store.projects.ensure('default', 1)
  const bus = createMemoryBus(silentLogger)
  const secrets = createEndpointSecrets({ store, vault, logger: silentLogger })
  const keys = createKeyService({
    store,
    onSeen: secrets.see,
    onRevoked: (key) => void bus.publish('key.revoked', { keyId: key.id }),
  })
  const addKey: Given['addKey'] = async (expiresAt) => {
    const made = await keys.create({ projectId, kind: 'toolkit', name: 'shop', expiresAt })
    await secrets.settled()
    return made
  }
  const key = await addKey()
  const toolkit = (await store.toolkits.resolve(projectId, 'shop')) as StoredToolkit
  const logged: string[] = []
  const note = (...line: unknown[]): void => void logged.push(JSON.stringify(line))
  const logger = { debug: note, info: note, warn: note, error: note }
  const limits = { dispatchAttempts: 3, resultBytes: 10_000 }
  const delivery = await EndpointDelivery.create({ store, vault, bus, logger, limits, dev: true, ...options })
  onTestFinished(() => delivery.close())
  return {
    ...{ delivery, store, bus, keys, toolkit, key, addKey, logged },
    send(url, init = {}) {
      const { promise: outcome, resolve } = Promise.withResolvers<CallOutcome>()
      const { call } = makeCall({
        // An endpoint of this process remembers the ids that it saw.
        id: randomUUID(),
        toolkit: { ...toolkit, endpointUrl: url },
        timeoutMs: 30_000,
        onOutcome: resolve,
        ...init,
      })
      return { call, outcome, refusal: delivery.dispatch(call) }
    },
  }
}

/** Retries come at once. */
export function withoutBackoff(): void {
  const random = vi.spyOn(Math, 'random').mockReturnValue(0)
  onTestFinished(() => random.mockRestore())
}
