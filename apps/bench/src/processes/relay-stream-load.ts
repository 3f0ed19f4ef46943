import { once } from 'node:events'
import { WebSocket } from 'ws'
import { checkChunk, checkStreamEnd, chunksTool } from '../load/chunks.ts'
import { serveStreamLoad } from '../load/serve-stream-load.ts'

/** Reads streams through the relay; as many sockets as there are streams at once. */
serveStreamLoad(async ({ port }: { port: number }) => {
  const idle: WebSocket[] = []
  return async (onChunk) => {
    const socket = idle.pop() ?? (await open(port))
    await readStream(socket, onChunk)
    idle.push(socket)
  }
})

async function open(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/llm`, { perMessageDeflate: false })
  await once(socket, 'open')
  return socket
}

function readStream(socket: WebSocket, onChunk: () => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let count = 0
  const read = (data: { toString(): string }): void => {
    const { chunk, result } = JSON.parse(data.toString()) as { chunk?: unknown; result?: unknown }
    if (result === undefined) {
      checkChunk(chunk, count)
      count += 1
      onChunk()
      return
    }
    checkStreamEnd(result, count)
    resolve()
  }
  const onMessage = (data: { toString(): string }): void => {
    try {
      read(data)
    } catch (error) {
      reject(error)
    }
  }
  socket.on('message', onMessage)
  socket.send(JSON.stringify({ id: 1, tool: chunksTool }))
  return promise.finally(() => socket.off('message', onMessage))
}
