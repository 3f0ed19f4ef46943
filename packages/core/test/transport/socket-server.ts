import { createServer, type IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { Mailbox } from './mailbox.ts'
import type { Closed, TestPeer, TestServer } from './test-peer.ts'

/** What these tests use of `ws`; its own types stay out of this package. */
interface ServerSocket {
  send(data: string | Uint8Array): void
  ping(): void
  close(code: number, reason: string): void
  terminate(): void
  pause(): void
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): void
  on(event: 'close', listener: (code: number, reason: Buffer) => void): void
  on(event: 'error', listener: (error: Error) => void): void
}
interface SocketAcceptor {
  handleUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer, done: (socket: ServerSocket) => void): void
}
const { WebSocketServer } = createRequire(import.meta.url)('ws') as {
  WebSocketServer: new (options: { noServer: true; maxPayload: number }) => SocketAcceptor
}

/** A server of `ws` on a port of its own. */
export interface SocketServer extends TestServer {
  /** Answers handshakes with these bytes instead; undefined accepts them. */
  answer: ((stream: Duplex) => void) | undefined
}

/** Listens on a free port of this machine. */
export async function startSocketServer(): Promise<SocketServer> {
  const acceptor = new WebSocketServer({ noServer: true, maxPayload: 32 * 1024 * 1024 })
  const streams = new Set<Duplex>()
  const http = createServer()
  http.on('connection', (stream) => {
    streams.add(stream)
    stream.on('close', () => streams.delete(stream))
  })
  http.on('upgrade', (request, stream, head) => {
    stream.on('error', () => {})
    if (server.hang) {
      const gone = Promise.withResolvers<void>()
      // Unless it is read the end of the stream never shows.
      stream.resume().on('end', gone.resolve).on('close', gone.resolve)
      server.unanswered.push({ gone: gone.promise })
    } else if (server.answer) server.answer(stream)
    else acceptor.handleUpgrade(request, stream, head, (socket) => server.accepted.push(toPeer(request, socket)))
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const server: SocketServer = {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    accepted: new Mailbox(),
    hang: false,
    answer: undefined,
    unanswered: new Mailbox(),
    async [Symbol.asyncDispose]() {
      for (const stream of streams) stream.destroy()
      await new Promise((resolve) => http.close(resolve))
    },
  }
  return server
}

/** Bytes of an HTTP answer that refuses a handshake. */
export function refusal(status: number, body: string, headers: Record<string, string> = {}): (stream: Duplex) => void {
  const lines = Object.entries({ 'Content-Length': String(Buffer.byteLength(body)), ...headers })
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return (stream) => stream.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\n${head}\r\n${body}`)
}

function toPeer(request: IncomingMessage, socket: ServerSocket): TestPeer {
  const received = new Mailbox<string>()
  const closed = Promise.withResolvers<Closed>()
  socket.on('message', (data) => received.push(data.toString()))
  socket.on('close', (code, reason) => closed.resolve({ code, reason: reason.toString() }))
  socket.on('error', () => {})
  return {
    authorization: request.headers.authorization,
    received,
    closed: closed.promise,
    send: (text) => socket.send(text),
    sendBinary: () => socket.send(Uint8Array.of(1, 2, 3)),
    ping: () => socket.ping(),
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
    mute: () => socket.pause(),
  }
}
