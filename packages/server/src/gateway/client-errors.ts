import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { AtpError, type Logger } from '@atp/core'
import { errorAnswer } from './error-answer.ts'
import { endWithAnswer } from './raw-answer.ts'

/** What answers to requests that never become one need. */
export interface ClientErrorOptions {
  newId: () => string
  logger: Logger
}

/**
 * The `clientError` listener of an HTTP server: what cannot be read as HTTP, or does not arrive in time, is answered in
 * our error shape without a word of what was sent, and its connection ends. Which address it was for is not known.
 */
export function createClientErrorHandler(options: ClientErrorOptions): (error: Error, socket: Socket) => void {
  const refused = new WeakSet<Socket>()
  return (error, socket) => {
    // The parser stays broken and says so again for every byte that follows.
    if (refused.has(socket)) return
    refused.add(socket)
    const { code } = error as NodeJS.ErrnoException
    const requestId = options.newId()
    // Never the message, the reason or the packet: they quote what was sent.
    options.logger.debug('http.client_error', { requestId, code })
    if (code === 'ECONNRESET' || !socket.writable || isAnswered(socket)) {
      socket.destroy()
      return
    }
    const [status, refusal] = refusalOf(code)
    endWithAnswer(socket, errorAnswer(refusal, { id: requestId, url: undefined }, status))
  }
}

/**
 * Answers what Node would answer with an empty body, or not at all: an `Expect` that nobody can meet (RFC 9110 section
 * 10.1.1), and CONNECT.
 */
export function refuseOddRequests(server: Server, options: ClientErrorOptions): void {
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const error = new AtpError('invalid_request', 'The Expect header asks for something this server does not do')
    const { status, headers, body } = errorAnswer(error, { id: options.newId(), url: request.url }, 417)
    const text = JSON.stringify(body)
    response.writeHead(status, { ...headers, connection: 'close', 'content-length': Buffer.byteLength(text) }).end(text)
  })
  server.on('connect', (_request: IncomingMessage, stream: Duplex) => {
    stream.on('error', () => {})
    const error = new AtpError('invalid_request', 'This server is no proxy')
    endWithAnswer(stream, errorAnswer(error, { id: options.newId(), url: undefined }))
  })
}

function refusalOf(code: string | undefined): [status: number, error: AtpError] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return [431, new AtpError('payload_too_large', 'The headers of the request are larger than 16 KiB')]
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, new AtpError('invalid_request', 'The request did not arrive in time')]
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return [413, new AtpError('payload_too_large', 'The body has too many chunk extensions')]
    default:
      return [400, new AtpError('invalid_request', 'The request is not HTTP that can be read')]
  }
}

/** Whether an answer is on its way already: another one in the middle of it would be read as a part of it. */
function isAnswered(socket: Socket): boolean {
  return (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage?.headersSent === true
}
