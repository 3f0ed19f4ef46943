import { connect, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import type { RoutesHost } from './route-behaviour.ts'

/** An answer as it came over the socket. */
export interface RawAnswer {
  readonly status: number
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  /** Without the framing of chunks. */
  readonly body: string
}

const patienceMs = 10_000

/**
 * Writes requests as they stand, which no client library would, and reads until that many answers are complete, or
 * the server closes. A text in parts is written part by part, and no further than the answers.
 */
export async function raw(host: RoutesHost, text: string | readonly string[], count = 1): Promise<RawAnswer[]> {
  const socket = await openSocket(host)
  const received: Buffer[] = []
  let isDone = false
  const done = new Promise<void>((resolve) => {
    const end = (): void => {
      isDone = true
      resolve()
    }
    socket.on('data', (part) => {
      received.push(part)
      if (readAnswers(textOf(received)).length >= count) end()
    })
    socket.once('close', end)
    socket.setTimeout(patienceMs, end)
  })
  for (const part of typeof text === 'string' ? [text] : text) {
    if (isDone) break
    await new Promise<void>((resolve) => socket.write(part, () => resolve()))
    // Two turns, so that one whole look at the socket lies between: an answer that has arrived is seen before more
    // is written.
    await setImmediate()
    await setImmediate()
  }
  await done
  socket.destroy()
  return readAnswers(textOf(received))
}

/**
 * As {@link raw}, for a request that the server refuses while it is being sent. A server that closes then may have its
 * answer overtaken by the reset of the connection (RFC 9112 section 9.6), so a connection that ended without an answer
 * is tried again, four times; undefined when none of them was answered.
 */
export async function rawRefused(host: RoutesHost, parts: readonly string[]): Promise<RawAnswer | undefined> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const [answer] = await raw(host, parts)
    if (answer !== undefined) return answer
  }
  return undefined
}

function textOf(received: readonly Buffer[]): string {
  return Buffer.concat(received).toString('latin1')
}

/** One request without a body; the path and the headers travel as they are written here. */
export async function rawRequest(
  host: RoutesHost,
  method: string,
  target: string,
  headers: Record<string, string> = {},
): Promise<RawAnswer> {
  const named = { host: hostOf(host).host, connection: 'close', ...headers }
  const lines = Object.entries(named).map(([name, value]) => `${name}: ${value}`)
  const [answer] = await raw(host, `${[`${method} ${target} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`)
  if (answer === undefined) throw new Error(`${method} ${target} was not answered`)
  return answer
}

/** `POST` of arguments as JSON; undefined where the server closes without an answer. */
export async function rawPost(
  host: RoutesHost,
  target: string,
  args: unknown,
  headers: Record<string, string> = {},
): Promise<RawAnswer | undefined> {
  const [answer] = await raw(host, postText(host, target, args, { connection: 'close', ...headers }))
  return answer
}

/** What a `POST` of arguments as JSON looks like on its way. */
export function postText(
  host: RoutesHost,
  target: string,
  args: unknown,
  headers: Record<string, string> = {},
): string {
  const body = JSON.stringify(args)
  const named = { host: hostOf(host).host, 'content-type': 'application/json', ...headers }
  const lines = Object.entries({ ...named, 'content-length': body.length }).map(([name, value]) => `${name}: ${value}`)
  return `${[`POST ${target} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n${body}`
}

/** Opens a connection; whoever asked for it destroys it. */
export async function openSocket(host: RoutesHost): Promise<Socket> {
  const { hostname, port } = hostOf(host)
  const socket = connect({ host: hostname, port: Number(port) })
  // A server that closes while we still write is no failure of the client.
  socket.on('error', () => {})
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return socket
}

/** The address as the `Host` header says it. */
export function hostOf(host: RoutesHost): URL {
  if (host.url === undefined) throw new Error('This behaviour needs a socket; list it with `withoutSocket`')
  return new URL(host.url)
}

/** The complete answers in a text; what is not complete yet is left out. */
function readAnswers(text: string): RawAnswer[] {
  const answers: RawAnswer[] = []
  let rest = text
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end === -1) return answers
    const [first = '', ...lines] = rest.slice(0, end).split('\r\n')
    const headers = new Map(lines.map(readHeader))
    const body = readBody(rest.slice(end + 4), headers)
    if (body === undefined) return answers
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1])
    answers.push({ status, headers, body: Buffer.from(body.text, 'latin1').toString() })
    rest = rest.slice(end + 4 + body.length)
  }
}

function readHeader(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}

/** A body and how much of the text it took; undefined while it is not complete. */
function readBody(rest: string, headers: ReadonlyMap<string, string>): { text: string; length: number } | undefined {
  if (headers.get('transfer-encoding') === 'chunked') return readChunks(rest)
  // Without either header the body lasts until the connection ends, which is what has been read so far.
  const length = Number(headers.get('content-length') ?? rest.length)
  return rest.length < length ? undefined : { text: rest.slice(0, length), length }
}

function readChunks(rest: string): { text: string; length: number } | undefined {
  let text = ''
  let at = 0
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', at)
    const size = Number.parseInt(rest.slice(at, lineEnd), 16)
    const next = lineEnd + 2 + size + 2
    if (lineEnd === -1 || rest.length < next) return undefined
    text += rest.slice(lineEnd + 2, lineEnd + 2 + size)
    if (size === 0) return { text, length: next }
    at = next
  }
}
