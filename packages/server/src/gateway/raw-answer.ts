import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ErrorAnswer } from './error-answer.ts'

/** How long a refused connection may take to read its answer, in milliseconds. */
const lingerMs = 1_000

/** Writes an answer to a connection that no `ServerResponse` stands for, and ends it within a second. */
export function endWithAnswer(stream: Duplex, { status, headers, body }: ErrorAnswer): void {
  const text = JSON.stringify(body)
  const all = { ...headers, connection: 'close', 'content-length': `${Buffer.byteLength(text)}` }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  stream.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${text}`)
  // Not at once: what the peer still sends would reset the connection before it has read the answer.
  stream.resume()
  const timer = setTimeout(() => stream.destroy(), lingerMs)
  stream.on('close', () => clearTimeout(timer))
}
