import { AtpError } from '../../src/errors/atp-error.ts'
import type { Connect, Transport, TransportHandlers } from '../../src/transport/transport.ts'
import { Mailbox } from './mailbox.ts'
import type { Closed, TestPeer, TestServer } from './test-peer.ts'

/** A server in memory: what `connect` opens is linked to an end in `accepted`, without a port. */
export interface MemoryServer extends TestServer {
  readonly connect: Connect
  /** How many handshakes there were, whatever became of them. */
  readonly attempts: number
  /** Decides on each handshake; returns the error it is refused with. */
  refuse: (attempt: number) => AtpError | undefined
  /** Whether the platform sends headers, and with them the key. */
  keySent: boolean
}

/** Makes a server that accepts every connection. */
export function createMemoryServer(): MemoryServer {
  const accepted = new Mailbox<TestPeer>()
  let attempts = 0
  const server: MemoryServer = {
    url: 'memory://server',
    accepted,
    hang: false,
    keySent: true,
    refuse: () => undefined,
    get attempts() {
      return attempts
    },
    unanswered: new Mailbox(),
    async connect({ url, apiKey, handlers, timeoutMs, signal }) {
      const refusal = server.refuse(attempts)
      attempts += 1
      // A network never answers in the same turn.
      await undefined
      const gaveUp = new AtpError('client_stopped', `Connecting to ${url} was given up`)
      if (signal.aborted) throw gaveUp
      if (refusal) throw refusal
      if (server.hang) {
        const late = new AtpError('connection_failed', `${url} did not answer within ${timeoutMs} ms`)
        const gone = Promise.withResolvers<void>()
        server.unanswered.push({ gone: gone.promise })
        await endless(signal, timeoutMs, gaveUp, late).finally(gone.resolve)
      }
      const far = new FarEnd(server.keySent ? `Bearer ${apiKey}` : undefined)
      const near = new MemoryEnd(handlers)
      near.link(far.end)
      accepted.push(far)
      return { transport: near, keySent: server.keySent }
    },
    async [Symbol.asyncDispose]() {},
  }
  return server
}

function endless(signal: AbortSignal, timeoutMs: number, gaveUp: AtpError, late: AtpError): Promise<never> {
  return new Promise((_resolve, reject) => {
    const timer = setTimeout(() => reject(late), timeoutMs)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(gaveUp)
    })
  })
}

type Item = { type: 'text'; text: string } | { type: 'sign' } | { type: 'close'; code: number; reason: string }

/** One end of a linked pair. Everything travels in microtasks, so that fake timers need no help. */
class MemoryEnd implements Transport {
  readonly seesPings = true
  readonly #handlers: TransportHandlers
  readonly #queue: Item[] = []
  #peer: MemoryEnd | undefined
  #state: 'open' | 'closing' | 'closed' = 'open'
  #pumping = false
  muted = false

  constructor(handlers: TransportHandlers) {
    this.#handlers = handlers
  }

  link(peer: MemoryEnd): void {
    this.#peer = peer
    peer.#peer = this
  }

  get bufferedAmount(): number {
    return this.#queue.reduce((sum, item) => sum + (item.type === 'text' ? Buffer.byteLength(item.text) : 0), 0)
  }

  send(text: string): void {
    if (this.#state === 'open') this.#push({ type: 'text', text })
  }

  sign(): void {
    if (this.#state === 'open') this.#push({ type: 'sign' })
  }

  close(code: number, reason: string): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#push({ type: 'close', code, reason })
  }

  terminate(): void {
    if (this.#state === 'closed') return
    this.#state = 'closing'
    this.#queue.length = 0
    queueMicrotask(() => {
      this.#end(1006, '')
      const peer = this.#peer
      if (peer && !peer.muted) peer.#end(1006, '')
    })
  }

  #push(item: Item): void {
    this.#queue.push(item)
    if (this.#pumping) return
    this.#pumping = true
    queueMicrotask(() => this.#pump())
  }

  #pump(): void {
    const item = this.#queue.shift()
    const peer = this.#peer
    if (item && peer) peer.#receive(item)
    this.#pumping = this.#queue.length > 0
    if (this.#pumping) queueMicrotask(() => this.#pump())
  }

  #receive(item: Item): void {
    if (this.#state === 'closed' || this.muted) return
    if (item.type === 'close') {
      this.close(item.code, item.reason)
      this.#end(item.code, item.reason)
      return
    }
    this.#handlers.onActivity()
    if (item.type === 'text') this.#handlers.onMessage(item.text)
  }

  #end(code: number, reason: string): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#handlers.onClose(code, reason)
  }
}

class FarEnd implements TestPeer {
  readonly received = new Mailbox<string>()
  readonly closed: Promise<Closed>
  readonly authorization: string | undefined
  readonly end: MemoryEnd

  constructor(authorization: string | undefined) {
    this.authorization = authorization
    const closed = Promise.withResolvers<Closed>()
    this.closed = closed.promise
    this.end = new MemoryEnd({
      onMessage: (text) => this.received.push(text),
      onActivity: () => {},
      onClose: (code, reason) => closed.resolve({ code, reason }),
    })
  }

  send(text: string): void {
    this.end.send(text)
  }

  sendBinary(): void {
    this.end.sign()
  }

  ping(): void {
    this.end.sign()
  }

  close(code: number, reason: string): void {
    this.end.close(code, reason)
  }

  terminate(): void {
    this.end.terminate()
  }

  mute(): void {
    this.end.muted = true
  }
}
