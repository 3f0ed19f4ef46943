import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { serveParent } from '../children/serve-parent.ts'

/** A frame of the relay, either way. */
interface RelayFrame {
  id: number
  tool?: string
  params?: unknown
  chunk?: unknown
  result?: unknown
}

/*
 * The peer of the hub rows: a plain relay as one would write it with ws. A caller's frame gets an id of the relay's
 * own and goes to the toolkit; the answer, and pieces before it, go back under the caller's id. No keys, deadlines, limits or log.
 */
serveParent(async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
  const waiting = new Map<number, { caller: WebSocket; id: number }>()
  let toolkit: WebSocket | undefined
  let lastId = 0

  server.on('connection', (socket, request) => {
    if (request.url === '/toolkit') {
      toolkit = socket
      socket.on('message', (data) => {
        const frame = JSON.parse(data.toString()) as RelayFrame
        const waiter = waiting.get(frame.id)
        if (waiter === undefined) return
        if (frame.result !== undefined) waiting.delete(frame.id)
        waiter.caller.send(JSON.stringify({ id: waiter.id, chunk: frame.chunk, result: frame.result }))
      })
      return
    }
    socket.on('message', (data) => {
      const frame = JSON.parse(data.toString()) as RelayFrame
      const id = ++lastId
      waiting.set(id, { caller: socket, id: frame.id })
      toolkit?.send(JSON.stringify({ id, tool: frame.tool, params: frame.params }))
    })
  })

  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port }
})
