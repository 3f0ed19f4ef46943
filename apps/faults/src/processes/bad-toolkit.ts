import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { serve } from '../children/serve.ts'
import { openLedger } from '../ledger/ledger.ts'

/** How a toolkit behaves badly. */
export interface BadToolkitPlan {
  name: string
  ledgers: string
  baseUrl: string
  apiKey: string
  appName: string
  /** Reads nothing once it is registered, or sends whatever it can. */
  how: 'deaf' | 'flood'
}

/** What one burst of a flood holds: answers to nothing, parts of nothing, and what is no frame at all. */
const burst = [
  { type: 'progress', request_id: 'nobody', progress: 1 },
  { type: 'chunk', request_id: 'nobody', sequence: 0, data: 'x'.repeat(1_000) },
  { type: 'result', request_id: 'nobody', ok: true, result: 'x'.repeat(10_000) },
  { type: 'unheard_of', request_id: 'nobody' },
].map((frame) => JSON.stringify(frame))
const garbage = '{"type":"result","request_id":'

/** How much may wait in our own socket, in bytes. */
const maxBuffered = 1_048_576

/* A toolkit of protocol 2 without a client: it keeps to none of the rules, and connects again when it is thrown out. */
serve(async (plan: BadToolkitPlan) => {
  const { name, ledgers, baseUrl, apiKey, appName, how } = plan
  const ledger = openLedger(ledgers, name)
  let connections = 0
  let sent = 0
  let runs = 0

  function connect(): Promise<WebSocket> {
    const headers = { authorization: `Bearer ${apiKey}` }
    const socket = new WebSocket(`${baseUrl.replace('http', 'ws')}/ws/v2/toolkit`, {
      headers,
      perMessageDeflate: false,
    })
    const say = (frame: object): void => socket.send(JSON.stringify(frame))
    const ready = Promise.withResolvers<WebSocket>()
    socket.on('open', () => {
      say({
        type: 'hello',
        protocol: 2,
        capabilities: [],
        instance_id: name,
        app_name: appName,
        max_concurrency: 10_000,
      })
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      ready.reject(new Error('The server let go of it'))
      void again()
    })
    socket.on('message', (data) => {
      const frame = JSON.parse(data.toString()) as { type: string; request_id: string; params: { ref: string } }
      if (frame.type === 'welcome') {
        const tool = { name: 'work', description: 'Behaves badly', input_schema: { type: 'object', properties: {} } }
        say({ type: 'register', request_id: 'r', toolkit_hash: name, tools: [tool] })
      } else if (frame.type === 'registered') ready.resolve(socket)
      else if (frame.type === 'call') answer(frame.request_id, frame.params.ref)
    })

    /** Runs it and answers twice, with two different results. */
    function answer(callId: string, ref: string): void {
      runs += 1
      const run = `${name}.${runs}`
      ledger.write({ event: 'started', ref, callId, run })
      ledger.write({ event: 'finished', ref, callId, run, ok: true })
      say({ type: 'result', request_id: callId, ok: true, result: { run } })
      say({ type: 'result', request_id: callId, ok: true, result: { run: 'second answer' } })
    }
    return ready.promise
  }

  async function behave(socket: WebSocket): Promise<void> {
    connections += 1
    if (how === 'deaf') {
      socket.pause()
      return
    }
    while (socket.readyState === WebSocket.OPEN) {
      for (const text of burst) socket.send(text)
      if (connections % 2 === 0) socket.send(garbage)
      sent += burst.length
      await sleep(socket.bufferedAmount > maxBuffered ? 5 : 1)
    }
  }

  async function again(): Promise<void> {
    await sleep(200)
    await connect().then(behave, () => {})
  }

  const socket = await connect()
  void behave(socket)
  return { commands: { count: () => ({ connections, sent, runs }) } }
})
