/** A connection that carries text frames in order. */
export interface Transport {
  /** Hands a frame over; frames sent after the end are dropped. */
  send(text: string): void
  /** Starts the closing handshake. */
  close(code: number, reason: string): void
  /** Ends the connection now, without waiting for the peer. */
  terminate(): void
  /** Asks the peer for a sign of life, which `onActivity` tells of; left out where the platform cannot. */
  ping?(): void
  /** Bytes that were handed over and not written yet. */
  readonly bufferedAmount: number
  /** Whether `onActivity` tells of the server's pings, so that their absence means something. */
  readonly seesPings: boolean
}

/** What a transport tells its owner. No handler may throw. */
export interface TransportHandlers {
  onMessage(text: string): void
  /** Any sign of life of the peer, messages included. */
  onActivity(): void
  /** Exactly once, whoever ended the connection, and nothing after it. */
  onClose(code: number, reason: string): void
}

/** Where and how to connect. */
export interface ConnectOptions {
  url: string
  /** Sent in the `Authorization` header where the platform can send headers. */
  apiKey: string
  /** The first frame without its key, for a transport that is opened by its first exchange. */
  hello?: string
  handlers: TransportHandlers
  /** How long the handshake may take, in milliseconds. */
  timeoutMs: number
  /** Gives up connecting; without effect once connected. */
  signal: AbortSignal
}

/** A connection that is open, and whether the key went with the handshake. */
export interface Connected {
  transport: Transport
  /** False where the platform cannot send headers: the key then belongs into the first frame. */
  keySent: boolean
  /** Whether the transport sent {@link ConnectOptions.hello} already. @default false */
  helloSent?: boolean
}

/**
 * Opens a transport.
 * @throws AtpError `connection_failed`, `unauthorized`, `forbidden`, `rate_limited`…: what the server's status says.
 */
export type Connect = (options: ConnectOptions) => Promise<Connected>
