import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A TCP connection for what no HTTP client sends. */
export interface RawHttp extends AsyncDisposable {
  socket: Socket
  /** All that came back so far, as Latin-1. */
  received(): string
  /** Resolves with all that came back once it fits. */
  saw(fits: RegExp): Promise<string>
  /** Resolves with all that came back once the server ended the connection. */
  ended: Promise<string>
}

/** Connects and writes. */
export async function sendRaw(url: string, text: string | Buffer): Promise<RawHttp> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('error', () => {})
  let received = ''
  socket.on('data', (bytes) => {
    received += bytes.toString('latin1')
  })
  const closed = new Promise((done) => socket.on('close', done))
  await once(socket, 'connect')
  socket.write(text)
  return {
    socket,
    received: () => received,
    async saw(fits) {
      while (!fits.test(received)) await once(socket, 'data')
      return received
    },
    ended: closed.then(() => received),
    async [Symbol.asyncDispose]() {
      socket.destroy()
      await closed
    },
  }
}

/** Status, headers and JSON body of a raw answer. */
export function readAnswer(text: string): { status: number; headers: Record<string, string>; body: unknown } {
  const [head = '', body = ''] = text.split('\r\n\r\n')
  const [first = '', ...lines] = head.split('\r\n')
  const headers = lines.map((line) => [
    line.slice(0, line.indexOf(':')).toLowerCase(),
    line.slice(line.indexOf(':') + 2),
  ])
  return {
    status: Number(first.split(' ')[1]),
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: JSON.parse(body),
  }
}
