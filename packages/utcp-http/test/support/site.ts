import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** One request as a server saw it. */
export interface SeenRequest {
  readonly method: string
  /** `/path?query` */
  readonly url: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export type Answer = (request: SeenRequest, response: ServerResponse) => unknown

/** A server of this machine that writes down what it sees. */
export interface Site extends AsyncDisposable {
  readonly origin: string
  readonly port: number
  readonly seen: SeenRequest[]
  /** How many connections were ever made. */
  connections(): number
}

/** Starts a site on a free port of 127.0.0.1. */
export async function startSite(answer: Answer): Promise<Site> {
  const seen: SeenRequest[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer(async (message, response) => {
    const request = await readSeen(message)
    if (request === undefined) return
    seen.push(request)
    await answer(request, response)
  })
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket.on('error', () => {}).once('close', () => sockets.delete(socket)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    ...{ origin: `http://127.0.0.1:${port}`, port, seen, connections: () => connections },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Reads a request whole; undefined when its client left. */
export async function readSeen(message: IncomingMessage): Promise<SeenRequest | undefined> {
  let body = ''
  try {
    for await (const chunk of message.setEncoding('utf8')) body += chunk
  } catch {
    return undefined
  }
  const { method = '', url = '', headers } = message
  return { method, url, path: url.split('?', 1)[0] ?? '', headers, body }
}

/** Answers with JSON. */
export function json(
  response: ServerResponse,
  value: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
}
