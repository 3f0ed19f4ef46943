import { once } from 'node:events'
import { WebSocket } from 'ws'
import { checkChunk, checkStreamEnd, chunksTool } from '../load/chunks.ts'
import { serveStreamLoad } from '../load/serve-stream-load.ts'

/** A stream that is read: what to do with each frame of it. */
type Reader = (frame: { chunk?: unknown; result?: unknown }) => void

/** Reads streams through the relay over one socket. */
serveStreamLoad(async ({ port }: { port: number }) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/llm`, { perMessageDeflate: false })
  const readers = new Map<number, Reader>()
  let lastId = 0
  socket.on('message', (data) => {
    const frame = JSON.parse(data.toString()) as { id: number; chunk?: unknown; result?: unknown }
    readers.get(frame.id)?.(frame)
  })
  await once(socket, 'open')
  return (onChunk) => {
    const id = ++lastId
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let count = 0
    const read: Reader = ({ chunk, result }) => {
      if (result === undefined) {
        checkChunk(chunk, count)
        count += 1
        onChunk()
        return
      }
      checkStreamEnd(result, count)
      resolve()
    }
    readers.set(id, (frame) => {
      try {
        read(frame)
      } catch (error) {
        reject(error)
      }
    })
    socket.send(JSON.stringify({ id, tool: chunksTool }))
    return promise.finally(() => readers.delete(id))
  }
})
