import type { ConnectOptions, TransportHandlers } from '../../src/transport/transport.ts'
import { Mailbox } from './mailbox.ts'

/** How a connection ended. */
export interface Closed {
  code: number
  reason: string
}

/** The far end of a transport under test: what a server holds of a connection. */
export interface TestPeer {
  /** The value of the `Authorization` header. */
  readonly authorization: string | undefined
  readonly received: Mailbox<string>
  readonly closed: Promise<Closed>
  send(text: string): void
  sendBinary(): void
  ping(): void
  close(code: number, reason: string): void
  /** Ends the connection without a closing handshake. */
  terminate(): void
  /** Reads and answers nothing from now on, as if the network were cut. */
  mute(): void
}

/** Something that transports under test connect to. */
export interface TestServer extends AsyncDisposable {
  readonly url: string
  /** The connections that were opened, in order. */
  readonly accepted: Mailbox<TestPeer>
  /** Whether handshakes are left unanswered. */
  hang: boolean
  /** The handshakes that were left unanswered; `gone` resolves when the client ended one. */
  readonly unanswered: Mailbox<{ gone: Promise<void> }>
}

/** What a transport told its owner, in order. */
export type Told =
  | { type: 'message'; text: string }
  | { type: 'activity' }
  | { type: 'close'; code: number; reason: string }

/** Handlers that write down what they are told. */
export class Recorder implements TransportHandlers {
  readonly told: Told[] = []
  readonly messages = new Mailbox<string>()
  readonly #close = Promise.withResolvers<Closed>()
  readonly closed: Promise<Closed> = this.#close.promise

  onMessage(text: string): void {
    this.told.push({ type: 'message', text })
    this.messages.push(text)
  }

  onActivity(): void {
    this.told.push({ type: 'activity' })
  }

  onClose(code: number, reason: string): void {
    this.told.push({ type: 'close', code, reason })
    this.#close.resolve({ code, reason })
  }

  /** How often something of this type was told. */
  count(type: Told['type']): number {
    return this.told.filter((each) => each.type === type).length
  }
}

/** What `connect` is asked with when a test has nothing else to say. */
export function connectOptions(url: string, handlers: TransportHandlers): ConnectOptions {
  return { url, apiKey: 'atp_llm_test', handlers, timeoutMs: 10_000, signal: new AbortController().signal }
}
