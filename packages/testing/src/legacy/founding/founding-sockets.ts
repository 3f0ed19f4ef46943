import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { isObject } from '../python-json.ts'
import { contextPayload } from './founding-context.ts'
import type { FoundingParts } from './founding-http.ts'

/** Sockets accept messages of this size, in bytes. */
const maxFrameBytes = 4 * 1_048_576

/** The founding server's sockets, on the v1 URLs only. */
export class FoundingSockets {
  readonly #parts: FoundingParts
  readonly #server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: maxFrameBytes })

  constructor(parts: FoundingParts) {
    this.#parts = parts
  }

  /** Serves an upgrade; 404 for every path but the founding ones, 401 for a wrong toolkit key. */
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const { pathname } = new URL(request.url ?? '/', 'http://founding')
    const { state } = this.#parts
    const llm = /^\/ws\/v1\/atp\/llm-client(?:\/([^/]+))?\/?$/.exec(pathname)
    const toolkit = llm ? null : /^\/ws\/v1\/atp\/(?:toolkit-client\/)?([^/]+)\/$/.exec(pathname)
    const key = decodeURIComponent((llm ?? toolkit)?.[1] ?? '')
    if (llm) this.#accept(request, stream, head, (socket) => this.#serveLlm(socket, key))
    else if (toolkit === null) refuse(stream, 404, 'Not found')
    // Refusals are slow: the SDK comes back at once.
    else if (!state.isToolkitKey(key)) setTimeout(() => refuse(stream, 401, 'The API key is wrong'), 100)
    else this.#accept(request, stream, head, (socket) => this.#serveToolkit(socket, key))
  }

  closeAll(): void {
    for (const socket of this.#server.clients) socket.terminate()
  }

  #accept(request: IncomingMessage, stream: Duplex, head: Buffer, serve: (socket: WebSocket) => void): void {
    this.#server.handleUpgrade(request, stream, head, (socket) => {
      socket.on('error', () => {})
      serve(socket)
    })
  }

  #serveToolkit(socket: WebSocket, key: string): void {
    const { calls, toolkits, state } = this.#parts
    const toolkit = state.toolkitOf(key)
    if (toolkit !== undefined) {
      toolkits.join(toolkit, socket)
      socket.on('close', () => calls.fail(toolkits.leave(toolkit, socket), 'The toolkit went away during the call'))
    }
    socket.on('message', (data) => {
      const frame = readFrame(data.toString())
      if (frame?.type !== 'tool_response') return
      toolkits.answered(socket, frame.request_id)
      calls.answer(frame.request_id, frame.result)
    })
    send(socket, { message_type: 'atp_client_connected', payload: { message: 'Connected to the ATP server' } })
  }

  #serveLlm(socket: WebSocket, pathKey: string): void {
    const { state, calls } = this.#parts
    let authenticated = false
    socket.on('message', (data) => {
      const frame = readFrame(data.toString())
      if (!authenticated) {
        const good = frame?.type === 'auth' && state.isLlmKey(frame.api_key)
        authenticated = good && (pathKey === '' || pathKey === frame.api_key)
        if (authenticated) return send(socket, { type: 'auth_response', success: true })
        send(socket, { type: 'auth_response', success: false, error: 'The API key is wrong' })
        return socket.close(4401)
      }
      if (frame?.type === 'task_request') void calls.serve(frame).then((answer) => send(socket, answer))
      if (frame?.type !== 'get_toolkit_context') return
      const { payload } = contextPayload(state, frame)
      send(socket, { type: 'toolkit_context', request_id: frame.request_id, payload })
    })
  }
}

function send(socket: WebSocket, frame: unknown): void {
  socket.send(JSON.stringify(frame), () => {})
}

function refuse(stream: Duplex, status: number, error: string): void {
  const body = JSON.stringify({ error })
  const head = `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Type: application/json\r\n`
  stream.on('error', () => {})
  stream.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, () => stream.destroy())
}

function readFrame(text: string): Record<string, unknown> | undefined {
  try {
    const frame: unknown = JSON.parse(text)
    return isObject(frame) ? frame : undefined
  } catch {
    return undefined
  }
}
