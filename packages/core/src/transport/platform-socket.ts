/**
 * The WebSocket of the platform we run on, as `#websocket` gives it: the `ws` package on Node (headers, status of a
 * refused handshake, pings), the global `WebSocket` elsewhere. Only `transport/websocket.ts` uses it.
 */
export interface PlatformSocket {
  /** Hands a text frame over; does nothing once the socket is closed. */
  send(text: string): void
  close(code: number, reason: string): void
  /** Ends the connection without a closing handshake, where the platform can. */
  terminate(): void
  /** Sends a ping, where the platform can. */
  ping?(): void
  readonly bufferedAmount: number
}

/** What a {@link PlatformSocket} tells. Exactly one of `failed` and `closed` comes last. */
export interface PlatformSocketEvents {
  opened(): void
  message(text: string): void
  /** A ping or pong: a sign of life that is no message. */
  activity(): void
  /** The handshake failed; `status` and `body` where the platform shows them. */
  failed(reason: { message: string; status?: number; body?: string; retryAfterMs?: number }): void
  closed(code: number, reason: string): void
}
