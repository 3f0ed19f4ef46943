/*
 * The little of `ws` that we use. The package's own types pull in those of Node, which would let Node's globals into
 * code that has to run everywhere.
 */
export interface ByteStream {
  cork(): void
  uncork(): void
}
export interface IncomingResponse {
  statusCode?: number
  headers: Record<string, string | undefined>
  socket: ByteStream
  setEncoding(encoding: 'utf8'): void
  on(event: 'data', listener: (text: string) => void): this
  on(event: 'end' | 'error' | 'close', listener: () => void): this
  destroy(): void
}
interface Options {
  headers: Record<string, string>
  perMessageDeflate: false
  maxPayload: number
  /** How long the closing handshake may take, in milliseconds. */
  closeTimeout: number
}
export declare class WebSocket {
  constructor(url: string, options: Options)
  readonly readyState: number
  readonly bufferedAmount: number
  send(text: string): void
  close(code: number, reason: string): void
  terminate(): void
  ping(): void
  on(event: 'upgrade', listener: (response: IncomingResponse) => void): this
  on(event: 'unexpected-response', listener: (request: { destroy(): void }, response: IncomingResponse) => void): this
  on(event: 'open' | 'ping' | 'pong', listener: () => void): this
  on(event: 'message', listener: (data: { toString(): string }, isBinary: boolean) => void): this
  on(event: 'close', listener: (code: number, reason: { toString(): string }) => void): this
  on(event: 'error', listener: (error: Error & { code?: string }) => void): this
}
