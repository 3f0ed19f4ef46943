import { WebSocket } from 'ws'
import type { Problems } from '../legacy-break.ts'
import { isObject, pythonJson } from '../python-json.ts'
import { opened } from '../wire-socket.ts'

/** One request for a tool, as the server sends it. */
export interface ToolRequest {
  request_id: unknown
  tool_name: unknown
  params: Record<string, unknown>
  auth_token?: unknown
}

/** What {@link runToolkitSession} works with. */
export interface ToolkitSessionOptions {
  /** The socket's whole URL. */
  url: string
  /** How often the client pings, in milliseconds. */
  pingIntervalMs: number
  problems: Problems
  /** Ends the session. */
  signal: AbortSignal
  /** The server took the socket; it may still close it without a greeting. */
  onOpen(): void
  onGreeting(): void
  /** Gives the result, or undefined where the SDK answers nothing. */
  onRequest(request: ToolRequest): Promise<{ result: unknown } | undefined>
}

type Inbound = { text: string } | { ping: Buffer }

/**
 * One socket from connect to close. Frames are read one after the other and tools run inside that read loop: meanwhile
 * nothing more is read and no ping is answered, while the client's own pings go on from a thread of their own.
 * @returns the close code
 * @throws LegacyRefusal when the handshake fails
 */
export async function runToolkitSession(options: ToolkitSessionOptions): Promise<number> {
  const { url, pingIntervalMs, problems, signal } = options
  const socket = new WebSocket(url, { autoPong: false, perMessageDeflate: false })
  const inbound: Inbound[] = []
  let reading = false
  let greeted = false

  async function readLoop(): Promise<void> {
    if (reading) return
    reading = true
    for (let next = inbound.shift(); next !== undefined; next = inbound.shift()) {
      if ('text' in next) await receive(next.text)
      else socket.pong(next.ping, undefined, () => {})
    }
    reading = false
  }

  async function receive(text: string): Promise<void> {
    const frame = readFrame(text)
    const payload = isObject(frame?.payload) ? frame.payload : undefined
    if (frame?.message_type === 'atp_client_connected') {
      if (greeted) problems.add('was greeted twice')
      if (typeof payload?.message === 'string') greeted = true
      else problems.add(`cannot read the greeting ${text.slice(0, 200)}`)
      options.onGreeting()
    } else if (frame?.message_type === 'atp_tool_request' && payload) await serve(payload)
    else problems.add(`was sent what no legacy toolkit reads: ${text.slice(0, 200)}`)
  }

  async function serve(payload: Record<string, unknown>): Promise<void> {
    if (!isObject(payload.params)) {
      problems.add(`breaks on params that are no object: ${JSON.stringify(payload).slice(0, 200)}`)
      return
    }
    socket.pause()
    const answer = await options.onRequest(payload as unknown as ToolRequest)
    socket.resume()
    if (answer === undefined) return
    socket.send(
      pythonJson({ type: 'tool_response', request_id: payload.request_id, result: answer.result }),
      // A socket that is gone by now: the SDK notices at its next read.
      () => {},
    )
  }

  const closed = new Promise<number>((resolve) => socket.on('close', resolve))
  const stop = (): void => socket.terminate()
  const pings = setInterval(() => socket.readyState === WebSocket.OPEN && socket.ping(), pingIntervalMs)
  socket.on('error', () => {})
  socket.on('message', (data) => {
    inbound.push({ text: data.toString() })
    void readLoop()
  })
  socket.on('ping', (ping) => {
    inbound.push({ ping })
    void readLoop()
  })
  signal.addEventListener('abort', stop, { once: true })
  try {
    await opened(socket)
    options.onOpen()
    return await closed
  } finally {
    clearInterval(pings)
    signal.removeEventListener('abort', stop)
  }
}

function readFrame(text: string): Record<string, unknown> | undefined {
  try {
    const frame: unknown = JSON.parse(text)
    return isObject(frame) ? frame : undefined
  } catch {
    return undefined
  }
}
