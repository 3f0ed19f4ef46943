import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { serveParent } from '../children/serve-parent.ts'
import { echoTool } from '../load/echo.ts'

/** Whom to connect: one toolkit for each key, named `PREFIX-0`, `PREFIX-1`, … */
interface ConnectData {
  url: string
  prefix: string
  keys: string[]
}

/** Sockets opened at once. */
const batchSize = 100
const sockets = new Set<WebSocket>()

/*
 * Holds many toolkit sockets that register one tool each, answer pings, and give back what they are called with. Bare
 * frames of protocol 2: what a `ToolKitClient` costs here is not measured.
 */
serveParent(() => {}, {
  async connect({ url, prefix, keys }: ConnectData) {
    const socketUrl = `${url.replace('http', 'ws')}/ws/v2/toolkit`
    for (let index = 0; index < keys.length; index += batchSize) {
      const batch = keys.slice(index, index + batchSize)
      await Promise.all(batch.map((key, offset) => connectToolkit(socketUrl, key, `${prefix}-${index + offset}`)))
    }
  },
  count: () => ({ connected: [...sockets].filter((socket) => socket.readyState === WebSocket.OPEN).length }),
})

async function connectToolkit(url: string, key: string, appName: string): Promise<void> {
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${key}` }, perMessageDeflate: false })
  await once(socket, 'open')
  const receive = async (type: string): Promise<void> => {
    const [data] = (await once(socket, 'message')) as [Buffer]
    const text = data.toString()
    if ((JSON.parse(text) as { type: string }).type !== type) {
      throw new Error(`Expected a "${type}" frame, got ${text.slice(0, 300)}`)
    }
  }
  const welcomed = receive('welcome')
  send(socket, {
    type: 'hello',
    protocol: 2,
    capabilities: [],
    instance_id: randomUUID(),
    app_name: appName,
    max_concurrency: 64,
  })
  await welcomed
  const registered = receive('registered')
  send(socket, {
    type: 'register',
    request_id: '1',
    toolkit_hash: appName,
    caption: appName,
    tools: [echoToolOf(appName)],
  })
  await registered
  socket.on('message', (data) => answerCall(socket, data.toString()))
  sockets.add(socket)
}

function answerCall(socket: WebSocket, text: string): void {
  const frame = JSON.parse(text) as { type: string; request_id?: string; params?: unknown }
  if (frame.type !== 'call') return
  send(socket, { type: 'result', request_id: frame.request_id, ok: true, result: frame.params })
}

function send(socket: WebSocket, frame: Record<string, unknown>): void {
  socket.send(JSON.stringify(frame))
}

/** A tool of ordinary size. */
function echoToolOf(appName: string): Record<string, unknown> {
  return {
    name: echoTool,
    description: `Gives back what it got, as the toolkit ${appName} has received it from its caller`,
    input_schema: {
      type: 'object',
      properties: {
        text: { type: 'string', description: 'What to give back' },
        n: { type: 'integer', minimum: 1, maximum: 50 },
      },
      required: ['text'],
    },
  }
}
