import { once } from 'node:events'
import { WebSocket } from 'ws'
import { checkEcho, echoParams, echoTool } from '../load/echo.ts'
import { serveLoad } from '../load/serve-load.ts'

/** Calls through the relay over one socket. */
serveLoad(async ({ port }: { port: number }) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/llm`, { perMessageDeflate: false })
  const waiting = new Map<number, (result: unknown) => void>()
  let lastId = 0
  socket.on('message', (data) => {
    const { id, result } = JSON.parse(data.toString()) as { id: number; result: unknown }
    waiting.get(id)?.(result)
    waiting.delete(id)
  })
  await once(socket, 'open')
  return async () => {
    const id = ++lastId
    const answer = new Promise<unknown>((resolve) => waiting.set(id, resolve))
    socket.send(JSON.stringify({ id, tool: echoTool, params: echoParams }))
    checkEcho(await answer)
  }
})
