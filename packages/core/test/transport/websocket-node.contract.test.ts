import { connectWebSocket } from '../../src/transport/websocket.ts'
import { describeTransport } from './describe-transport.ts'
import { startSocketServer } from './socket-server.ts'

describeTransport('the ws package', {
  sendsHeaders: true,
  seesPings: true,
  // Port 1 is reserved and never served.
  deadUrl: 'ws://127.0.0.1:1/ws/v2/llm',
  start: async () => ({ server: await startSocketServer(), connect: connectWebSocket }),
})
