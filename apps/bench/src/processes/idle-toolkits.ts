import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { serveParent } from '../children/serve-parent.ts'

/** Sockets opened at once. */
const batchSize = 100
const sockets = new Set<WebSocket>()

/*
 * Holds many toolkit sockets that register one tool each and then only answer pings. Bare frames of protocol 2: what
 * a `ToolKitClient` costs here is not measured.
 */
serveParent(() => {}, {
  async connect({ url, prefix, keys }: { url: string; prefix: string; keys: string[] }) {
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
    tools: [idleTool(appName)],
  })
  await registered
  sockets.add(socket)
}

function send(socket: WebSocket, frame: Record<string, unknown>): void {
  socket.send(JSON.stringify(frame))
}

/** A tool of ordinary size. */
function idleTool(appName: string): Record<string, unknown> {
  return {
    name: 'look_up',
    description: `Looks something up in the records of ${appName} and returns the best matches`,
    input_schema: {
      type: 'object',
      properties: {
        query: { type: 'string', description: 'What to look for' },
        limit: { type: 'integer', minimum: 1, maximum: 50 },
      },
      required: ['query'],
    },
  }
}
