import { type ByteStream, type IncomingResponse, WebSocket } from '#ws'
import type { PlatformSocket, PlatformSocketEvents } from './platform-socket.ts'

/** Node has it, the types of other platforms do not. */
declare function setImmediate(callback: () => void): unknown

/** Whether `headers` are sent: a browser's or worker's WebSocket cannot. */
export const canSendHeaders: boolean = true
/** Whether `activity` tells of pings. */
export const seesPings: boolean = true

/** A server that does not answer the closing handshake must not keep a process alive for long. */
const closeTimeout = 5_000
/** Above every limit of a server of ours; a guard against a peer gone mad. */
const maxPayload = 16 * 1024 * 1024
const openState = 1

/** Opens a socket with the `ws` package. */
export function openPlatformSocket(
  url: string,
  headers: Record<string, string>,
  events: PlatformSocketEvents,
): PlatformSocket {
  const socket = new WebSocket(url, { headers, perMessageDeflate: false, maxPayload, closeTimeout })
  let stream: ByteStream | undefined
  let corked = false
  let opened = false
  let ended = false
  const fail = (reason: Parameters<PlatformSocketEvents['failed']>[0]): void => {
    if (ended) return
    ended = true
    events.failed(reason)
  }
  socket.on('upgrade', (response) => {
    stream = response.socket
  })
  socket.on('unexpected-response', (request, response) => {
    void readRefusal(response).then((refusal) => {
      request.destroy()
      fail(refusal)
    })
  })
  socket.on('open', () => {
    opened = true
    events.opened()
  })
  socket.on('message', (data, isBinary) => {
    // Protocol 2 knows text only; a binary frame still is a sign of life.
    if (isBinary) events.activity()
    else events.message(data.toString())
  })
  socket.on('ping', () => events.activity())
  socket.on('pong', () => events.activity())
  socket.on('error', (error) => {
    // Where a name has several addresses the message is empty and the code says it.
    if (!opened) fail({ message: error.message || error.code || 'the connection failed' })
  })
  socket.on('close', (code, reason) => {
    if (!opened) return fail({ message: `the connection was closed with ${code}` })
    if (ended) return
    ended = true
    events.closed(code, reason.toString())
  })
  return {
    send(text) {
      if (socket.readyState !== openState) return
      // All frames of one turn of the event loop leave in one write: a system call costs more than a frame.
      if (stream && !corked) {
        corked = true
        stream.cork()
        setImmediate(() => {
          corked = false
          stream?.uncork()
        })
      }
      socket.send(text)
    },
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
    ping() {
      if (socket.readyState === openState) socket.ping()
    },
    get bufferedAmount() {
      return socket.bufferedAmount
    },
  }
}

/** Reads why a handshake was refused: at most 4 KiB of the body. */
function readRefusal(response: IncomingResponse): Promise<Parameters<PlatformSocketEvents['failed']>[0]> {
  const status = response.statusCode ?? 0
  const retryAfterMs = Number(response.headers['retry-after']) * 1_000
  return new Promise((resolve) => {
    let body = ''
    const done = (): void => {
      const retry = retryAfterMs > 0 ? { retryAfterMs } : {}
      resolve({ message: `the server answered ${status}`, status, body, ...retry })
    }
    response.setEncoding('utf8')
    response.on('data', (text) => {
      body += text
      if (body.length > 4_096) response.destroy()
    })
    response.on('end', done)
    response.on('error', done)
    response.on('close', done)
  })
}
