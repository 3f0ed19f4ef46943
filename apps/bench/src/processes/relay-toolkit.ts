import { once } from 'node:events'
import { WebSocket } from 'ws'
import { serveParent } from '../children/serve-parent.ts'
import { chunks, chunksTool } from '../load/chunks.ts'

/** The relay's toolkit: answers each call with its params, one of the streaming tool with pieces. */
serveParent(async ({ port }: { port: number }) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/toolkit`, { perMessageDeflate: false })
  socket.on('message', (data) => {
    const { id, tool, params } = JSON.parse(data.toString()) as { id: number; tool: string; params: unknown }
    if (tool === chunksTool) void streamChunks(socket, id)
    else socket.send(JSON.stringify({ id, result: params }))
  })
  await once(socket, 'open')
})

async function streamChunks(socket: WebSocket, id: number): Promise<void> {
  const running = chunks()
  let step = await running.next()
  for (; !step.done; step = await running.next()) socket.send(JSON.stringify({ id, chunk: step.value }))
  socket.send(JSON.stringify({ id, result: step.value }))
}
