import { WebSocket } from 'ws'

type WireFrame = Record<string, unknown> & { type: string }

/** A socket that sends whatever a test wants and keeps all that comes back. */
export interface RawPeer extends AsyncDisposable {
  socket: WebSocket
  frames: WireFrame[]
  send(frame: unknown): void
  /** The first frame, old or new, that fits. */
  next(fits: (frame: WireFrame) => boolean): Promise<WireFrame>
  /** Resolves with the close code. */
  closed: Promise<number>
}

/** How a {@link RawPeer} connects. */
export interface RawPeerOptions {
  url: string
  path: '/ws/v2/toolkit' | '/ws/v2/llm'
  key?: string
  headers?: Record<string, string>
  /** Says hello and waits for the welcome. @default true */
  hello?: boolean | Record<string, unknown>
}

/** Connects; rejects with the HTTP status when the handshake is refused. */
export async function connectRawPeer(options: RawPeerOptions): Promise<RawPeer> {
  const { url, path, key, hello = true } = options
  const headers = { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...options.headers }
  const socket = new WebSocket(url.replace('http', 'ws') + path, { headers, perMessageDeflate: false })
  const frames: WireFrame[] = []
  const waiting = new Set<() => void>()
  const closed = new Promise<number>((resolve) => socket.on('close', (code) => resolve(code)))
  socket.on('error', () => {})
  socket.on('message', (data) => {
    frames.push(JSON.parse(data.toString()) as WireFrame)
    for (const look of [...waiting]) look()
  })
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve)
    socket.on('unexpected-response', (request, response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      response.on('end', () => {
        request.destroy()
        reject(Object.assign(new Error(`refused with ${response.statusCode}`), { status: response.statusCode, body }))
      })
    })
    socket.on('close', () => reject(new Error('closed before it was open')))
  })
  const peer: RawPeer = {
    socket,
    frames,
    closed,
    send: (frame) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    next: (fits) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = frames.find(fits)
          if (!found) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        void closed.then((code) => reject(new Error(`closed with ${code} while waiting`)))
        look()
      }),
    async [Symbol.asyncDispose]() {
      socket.terminate()
      await closed
    },
  }
  if (hello !== false) {
    const more = typeof hello === 'object' ? hello : {}
    peer.send({ type: 'hello', protocol: 2, capabilities: [], instance_id: 'raw', ...more })
    await peer.next((frame) => frame.type === 'welcome')
  }
  return peer
}

/** A tool as register frames carry it. */
export function wireTool(name: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { name, description: name, input_schema: { type: 'object', properties: {} }, ...more }
}
