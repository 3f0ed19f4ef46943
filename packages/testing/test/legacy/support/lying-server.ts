import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

/** How a {@link startLyingServer} behaves. */
export interface Lies {
  /** Answers a request; without it all are 200 `{}`. */
  http?(path: string, body: string, headers: IncomingHttpHeaders): { status: number; text: string; type?: string }
  /** Serves a socket; without it upgrades are refused with 401. */
  socket?(socket: WebSocket, path: string): void
}

/** A server that says what a test wants, right or wrong. */
export interface LyingServer extends AsyncDisposable {
  baseUrl: string
  /** All requests and upgrades, as `METHOD /path body`. */
  seen: string[]
}

export async function startLyingServer(lies: Lies): Promise<LyingServer> {
  const seen: string[] = []
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, autoPong: true })
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      seen.push(`${request.method} ${request.url} ${body}`.trim())
      const { status, text, type } = lies.http?.(request.url ?? '', body, request.headers) ?? {
        status: 200,
        text: '{}',
      }
      response.writeHead(status, { 'content-type': type ?? 'application/json' }).end(text)
    })
  })
  server.on('upgrade', (request, stream, head) => {
    seen.push(`UPGRADE ${request.url}`)
    stream.on('error', () => {})
    if (lies.socket === undefined) {
      stream.end('HTTP/1.1 401 Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      return
    }
    sockets.handleUpgrade(request, stream, head, (socket) => {
      socket.on('error', () => {})
      lies.socket?.(socket, request.url ?? '')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate()
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** Sends a frame as JSON. */
export function say(socket: WebSocket, frame: unknown): void {
  socket.send(JSON.stringify(frame))
}

/** The greeting of a toolkit socket. */
export const greeting = { message_type: 'atp_client_connected', payload: { message: 'hello' } }

/** A tool request. */
export function toolRequest(id: string, tool: string, params: unknown = {}, token?: string): object {
  const auth = token === undefined ? {} : { auth_token: token }
  return { message_type: 'atp_tool_request', payload: { request_id: id, tool_name: tool, params, ...auth } }
}
