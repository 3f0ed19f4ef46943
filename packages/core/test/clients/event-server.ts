import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Mailbox } from '../transport/mailbox.ts'

/** A request that waits for what the test answers. */
export interface AskedHttp {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: Record<string, unknown>
  /** Settles when the client is gone. */
  gone: Promise<void>
  json(status: number, body: unknown, headers?: Record<string, string>): void
  /** Begins a stream, or goes on with it; resolves when it was written. */
  stream(text: string): Promise<void>
  /** Ends a stream properly. */
  end(): void
  /** Drops the connection. */
  cut(): void
}

/** A server over HTTP that does only what its test says. */
export interface EventServer extends AsyncDisposable {
  baseUrl: string
  asked: Mailbox<AskedHttp>
  /** Refuses connections from now on, and drops those it has. */
  stop(): Promise<void>
}

/** Listens on a port of its own. */
export async function startEventServer(port = 0): Promise<EventServer> {
  const asked = new Mailbox<AskedHttp>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      const gone = new Promise<void>((resolve) => response.once('close', resolve))
      asked.push({
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
        gone,
        ...answers(response),
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function answers(response: ServerResponse): Pick<AskedHttp, 'json' | 'stream' | 'end' | 'cut'> {
  return {
    json(status, body, headers) {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
    },
    stream(text) {
      if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
      return new Promise((resolve) => {
        response.write(text, () => resolve())
      })
    },
    end: () => void response.end(),
    cut: () => void response.destroy(),
  }
}

/** The answer of a call as it travels over HTTP. */
export function taskAnswer(result: unknown, error?: object): Record<string, unknown> {
  return {
    type: 'task_response',
    request_id: 'r1',
    status: 'success',
    payload: { result },
    result: { tool: { name: 'f', result } },
    error: error ?? null,
  }
}

/** The text of an event. */
export function eventText(id: number, name: string, data: unknown): string {
  return `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
