import { WebSocket } from 'ws'
import { LegacyRefusal } from './legacy-break.ts'
import { pythonJson } from './python-json.ts'

/** A frame as it came. */
export type WireFrame = Record<string, unknown>

/** A socket that sends whatever it is given and keeps all that comes back. */
export interface WireSocket extends AsyncDisposable {
  readonly socket: WebSocket
  /** All frames that came, oldest first; a test may empty it. */
  readonly frames: WireFrame[]
  /** How many pings the server sent. */
  readonly pings: number
  send(frame: unknown): void
  sendText(text: string): void
  /** The first frame, old or new, that fits. @throws LegacyRefusal when the socket closes first */
  next(fits?: (frame: WireFrame) => boolean): Promise<WireFrame>
  /** Resolves with the close code. */
  readonly closed: Promise<number>
}

/** How a {@link WireSocket} behaves. */
export interface WireSocketOptions {
  /** Answers pings. @default true */
  autoPong?: boolean
}

/**
 * Connects to a socket's whole URL.
 * @throws LegacyRefusal with the status of a refused handshake, or when the connection ends before it is open
 */
export async function openWireSocket(url: string, options: WireSocketOptions = {}): Promise<WireSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false, autoPong: options.autoPong ?? true })
  const frames: WireFrame[] = []
  const waiting = new Set<() => void>()
  let pings = 0
  const closed = new Promise<number>((resolve) => socket.on('close', resolve))
  socket.on('error', () => {})
  socket.on('ping', () => {
    pings += 1
  })
  socket.on('message', (data) => {
    frames.push(JSON.parse(data.toString()) as WireFrame)
    for (const look of [...waiting]) look()
  })
  await opened(socket)
  return {
    socket,
    frames,
    get pings() {
      return pings
    },
    closed,
    send: (frame) => socket.send(pythonJson(frame)),
    sendText: (text) => socket.send(text),
    next: (fits = () => true) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = frames.find(fits)
          if (found === undefined) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        void closed.then((code) => reject(new LegacyRefusal(`the socket closed with ${code}`, code, undefined)))
        look()
      }),
    async [Symbol.asyncDispose]() {
      socket.terminate()
      await closed
    },
  }
}

/** Resolves when a socket is open. @throws LegacyRefusal */
export function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('open', resolve)
    socket.on('unexpected-response', (request, response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk
      })
      response.on('error', () => {})
      response.on('close', () => {
        request.destroy()
        socket.terminate()
        const { statusCode } = response
        reject(new LegacyRefusal(`the handshake was refused with ${statusCode}`, statusCode, body))
      })
    })
    socket.on('close', (code) => reject(new LegacyRefusal('the connection ended in the handshake', code, undefined)))
  })
}
