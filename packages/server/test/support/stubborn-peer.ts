import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A TCP connection that can write WebSocket frames and answers nothing by itself, not even a close. */
export interface StubbornPeer extends AsyncDisposable {
  socket: Socket
  /** All that came in, as Latin-1. */
  received(): string
  /** Resolves once the text came in. */
  saw(text: string): Promise<void>
  send(frame: object): void
  /** Writes so many pings of the largest size. */
  sendPings(count: number): void
  /** Writes a close frame without expecting anything. */
  sendClose(): void
  /** The server let go of the connection. */
  ended: Promise<unknown>
}

/** Asks for an upgrade and waits for the answer's head, whatever it is. */
export async function connectStubbornPeer(url: string, path: string, key?: string): Promise<StubbornPeer> {
  const { hostname, port, host } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
  socket.on('error', () => {})
  const closed = new Promise((done) => socket.on('close', done))
  const ended = Promise.race([closed, new Promise((done) => socket.on('end', done))])
  let received = ''
  socket.on('data', (bytes) => {
    received += bytes.toString('latin1')
  })
  await once(socket, 'connect')
  const saw = async (text: string): Promise<void> => {
    while (!received.includes(text)) await once(socket, 'data')
  }
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    ...(key === undefined ? [] : [`Authorization: Bearer ${key}`]),
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  await saw('\r\n\r\n')
  return {
    socket,
    ended,
    saw,
    received: () => received,
    send: (frame) => void socket.write(maskedFrame(Buffer.from(JSON.stringify(frame)), 1)),
    sendPings(count) {
      const ping = maskedFrame(Buffer.alloc(125, 'x'), 9)
      socket.write(Buffer.concat(Array.from({ length: count }, () => ping)))
    },
    sendClose: () => void socket.write(maskedFrame(Buffer.from([3, 232]), 8)),
    async [Symbol.asyncDispose]() {
      socket.destroy()
      await closed
    },
  }
}

/** A client's frame (RFC 6455 section 5.2) under a mask of zeros. */
function maskedFrame(payload: Buffer, opcode: number): Buffer {
  const first = 0x80 | opcode
  if (payload.length < 126) return Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), payload])
  const head = Buffer.alloc(8)
  head[0] = first
  head[1] = 0xfe
  head.writeUInt16BE(payload.length, 2)
  return Buffer.concat([head, payload])
}
