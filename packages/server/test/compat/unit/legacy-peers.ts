import { WebSocket } from 'ws'

type Message = Record<string, unknown>

/** A socket of a Python client, as far as its server can see it. */
export interface LegacySocket extends AsyncDisposable {
  socket: WebSocket
  /** All that came, in order. */
  messages: Message[]
  send(message: unknown): void
  /** The first message, old or new, that fits. */
  next(fits: (message: Message) => boolean): Promise<Message>
  /** Resolves with the close code. */
  closed: Promise<number>
}

/**
 * Connects to an address of the legacy wire; rejects with the HTTP status when the handshake is refused.
 * @param autoPong false for a client that runs a tool: it answers no ping meanwhile
 */
export async function connectLegacy(url: string, path: string, autoPong = true): Promise<LegacySocket> {
  const socket = new WebSocket(url.replace('http', 'ws') + path, { perMessageDeflate: false, autoPong })
  const messages: Message[] = []
  const looks = new Set<() => void>()
  const closed = new Promise<number>((resolve) => socket.on('close', resolve))
  socket.on('error', () => {})
  socket.on('message', (data) => {
    messages.push(JSON.parse(data.toString()) as Message)
    for (const look of [...looks]) look()
  })
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve)
    socket.on('close', () => reject(new Error('closed before it was open')))
    socket.on('unexpected-response', (request, response) => {
      request.destroy()
      reject(Object.assign(new Error(`refused with ${response.statusCode}`), { status: response.statusCode }))
    })
  })
  return {
    socket,
    messages,
    closed,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    next: (fits) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = messages.find(fits)
          if (!found) return
          looks.delete(look)
          resolve(found)
        }
        looks.add(look)
        void closed.then((code) => reject(new Error(`closed with ${code} while waiting`)))
        look()
      }),
    async [Symbol.asyncDispose]() {
      socket.terminate()
      await closed
    },
  }
}

/** What a tool does in {@link serveTools}: the result, or an error thrown. */
type Tools = Record<string, (params: Message, authToken: unknown) => unknown>

/** Connects a toolkit that answers its calls one after the other, and waits for the greeting. */
export async function serveTools(url: string, key: string, tools: Tools): Promise<LegacySocket> {
  const peer = await connectLegacy(url, `/ws/v1/atp/toolkit-client/${key}/`)
  peer.socket.on('message', (data) => {
    const { message_type, payload } = JSON.parse(data.toString()) as { message_type: string; payload: Message }
    if (message_type !== 'atp_tool_request') return
    const tool = tools[String(payload.tool_name)]
    if (!tool) return
    let result: unknown
    try {
      result = tool(payload.params as Message, payload.auth_token)
    } catch (error) {
      result = { error: (error as Error).message }
    }
    peer.send({ type: 'tool_response', request_id: payload.request_id, result })
  })
  await peer.next((message) => message.message_type === 'atp_client_connected')
  return peer
}

/** POSTs JSON, or GETs without a body. */
export async function ask(
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

/** A `register_tool` body of generation 2. */
export function registration(key: string, appName: string, name: string, more: Record<string, unknown> = {}) {
  const { metadata, ...rest } = more
  return {
    function_id: name,
    api_key: key,
    app_name: appName,
    programming_language: 'Python',
    code_hash: `code of ${name}`,
    toolkit_hash: `toolkit with ${name}`,
    metadata: {
      params: [],
      required_params: [],
      description: `Does ${name}`,
      auth_provider: null,
      auth_type: null,
      auth_with: null,
      sample_response: '',
      source_code: `def ${name}(): pass  # SOURCE`,
      ...(metadata as object | undefined),
    },
    ...rest,
  }
}
