import { once } from 'node:events'
import { WebSocket } from 'ws'
import { serveParent } from '../children/serve-parent.ts'

/** The relay's toolkit: answers each call with its params. */
serveParent(async ({ port }: { port: number }) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/toolkit`, { perMessageDeflate: false })
  socket.on('message', (data) => {
    const { id, params } = JSON.parse(data.toString()) as { id: number; params: unknown }
    socket.send(JSON.stringify({ id, result: params }))
  })
  await once(socket, 'open')
})
