import { expect, it, vi } from 'vitest'
import { connectWebSocket } from '../../src/transport/websocket.ts'
import { describeTransport } from './describe-transport.ts'
import { refusal, startSocketServer } from './socket-server.ts'
import { connectOptions, Recorder } from './test-peer.ts'

// What the condition `default` of the package's imports gives: the platform's own WebSocket, here that of Node.
vi.mock('#websocket', () => import('../../src/transport/websocket-global.ts'))

describeTransport('the global WebSocket', {
  sendsHeaders: false,
  seesPings: false,
  deadUrl: 'ws://127.0.0.1:1/ws/v2/llm',
  start: async () => ({ server: await startSocketServer(), connect: connectWebSocket }),
})

it('closes with 1000 where the standard forbids a client the code', async () => {
  await using server = await startSocketServer()
  const { transport } = await connectWebSocket(connectOptions(server.url, new Recorder()))
  const far = await server.accepted.next()
  transport.close(1001, 'going away')
  await expect(far.closed).resolves.toEqual({ code: 1000, reason: 'going away' })
})

it('never takes a refused handshake for a refused key, whose status it cannot see', async () => {
  await using server = await startSocketServer()
  server.answer = refusal(401, '{"error":"no","code":"unauthorized"}')
  const connecting = connectWebSocket(connectOptions(server.url, new Recorder()))
  await expect(connecting).rejects.toMatchObject({ code: 'connection_failed' })
})
