import { expect, it, vi } from 'vitest'
import { connectWebSocket } from '../../src/transport/websocket.ts'
import { startSocketServer } from './socket-server.ts'

it('a ping is answered, which its sender hears as a sign of life; after the end it does nothing', async () => {
  await using server = await startSocketServer()
  const onActivity = vi.fn()
  const closed = Promise.withResolvers<void>()
  const { transport } = await connectWebSocket({
    url: server.url,
    apiKey: 'k',
    timeoutMs: 10_000,
    signal: new AbortController().signal,
    handlers: { onActivity, onMessage() {}, onClose: () => closed.resolve() },
  })
  expect(onActivity).not.toHaveBeenCalled()
  transport.ping?.()
  await vi.waitFor(() => expect(onActivity).toHaveBeenCalledOnce())
  transport.terminate()
  await closed.promise
  transport.ping?.()
})
