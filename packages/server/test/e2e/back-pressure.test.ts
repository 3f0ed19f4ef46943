import { setTimeout as wait } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { type MeasuredServer, startMeasuredServer } from '../support/measured-server.ts'
import { connectRawPeer, type RawPeer, wireTool } from '../support/raw-peer.ts'
import { connectStubbornPeer } from '../support/stubborn-peer.ts'

/* Rule T6: a peer that never reads costs the server less than 20 MiB, whatever it makes the server send. */

const maxBytes = 20 * 1_048_576

async function connectToolkit({ url, keys }: MeasuredServer, tools: Record<string, unknown>[]): Promise<RawPeer> {
  const peer = await connectRawPeer({
    url,
    path: '/ws/v2/toolkit',
    key: keys.toolkitKey,
    hello: { app_name: 'deaf', max_concurrency: 10_000 },
  })
  peer.send({ type: 'register', request_id: 'r', toolkit_hash: crypto.randomUUID(), tools })
  await peer.next(({ request_id }) => request_id === 'r')
  return peer
}

const connectLlm = ({ url, keys }: MeasuredServer): Promise<RawPeer> =>
  connectRawPeer({ url, path: '/ws/v2/llm', key: keys.llmKey })

/** Three bytes each as they travel, while a string in memory has two. */
const wide = '字'.repeat(300_000)

/** Answers every call with a large result, and sees to some: what the code itself needs is no cost of a peer. */
async function warmUp(toolkit: RawPeer, llm: RawPeer, tool: string): Promise<void> {
  const answer = JSON.stringify(wide)
  toolkit.socket.on('message', (data) => {
    const { type, request_id } = JSON.parse(data.toString()) as Record<string, unknown>
    if (type === 'call') toolkit.send(`{"type":"result","request_id":"${request_id}","ok":true,"result":${answer}}`)
  })
  for (let i = 0; i < 10; i += 1) {
    llm.send({ type: 'call', request_id: `w${i}`, toolkit_id: 'deaf', tool, params: { wide } })
    await llm.next(({ request_id }) => request_id === `w${i}`)
  }
}

/** Writes a frame and waits while the server takes no more; false when the connection is gone. */
async function flow(peer: RawPeer, frame: unknown): Promise<boolean> {
  peer.send(frame)
  while (peer.socket.bufferedAmount > 1_048_576 && peer.socket.readyState === peer.socket.OPEN) await wait(1)
  return peer.socket.readyState === peer.socket.OPEN
}

it('as a toolkit that is sent calls', async () => {
  await using server = await startMeasuredServer()
  await using toolkit = await connectToolkit(server, [wireTool('listen')])
  await using llm = await connectLlm(server)
  await warmUp(toolkit, llm, 'listen')
  toolkit.socket.pause()
  let sent = 0
  const busy = (): boolean => llm.frames.some(({ error }) => (error as { code?: string } | undefined)?.code === 'busy')
  const most = await server.cost(async () => {
    while (!busy()) {
      sent += 1
      await flow(llm, {
        type: 'call',
        request_id: `c${sent}`,
        toolkit_id: 'deaf',
        tool: 'listen',
        params: { wide },
      })
      await wait(1)
    }
    // Each is cancelled, which the toolkit is told.
    for (let i = 1; i <= sent; i += 1) llm.send({ type: 'cancel', request_id: `c${i}` })
    await llm.next(({ request_id }) => request_id === `c${sent}`)
  })
  expect(most).toBeLessThan(maxBytes)
})

it('as an LLM client that is sent results', async () => {
  await using server = await startMeasuredServer()
  await using toolkit = await connectToolkit(server, [wireTool('speak')])
  await using llm = await connectLlm(server)
  await warmUp(toolkit, llm, 'speak')
  llm.socket.pause()
  let over = false
  void llm.closed.then(() => {
    over = true
  })
  const most = await server.cost(async () => {
    for (let i = 0; i < 300 && !over; i += 1) {
      llm.send({ type: 'call', request_id: `c${i}`, toolkit_id: 'deaf', tool: 'speak', params: {} })
      await wait(5)
    }
  })
  expect(most).toBeLessThan(maxBytes)
})

it('as an LLM client that asks for large contexts', async () => {
  await using server = await startMeasuredServer()
  const tools = Array.from({ length: 500 }, (_, i) => wireTool(`tool_${i}`, { description: 'd'.repeat(2_000) }))
  await using _toolkit = await connectToolkit(server, tools)
  await using llm = await connectLlm(server)
  llm.socket.pause()
  const most = await server.cost(async () => {
    for (let i = 0; i < 500; i += 1) {
      if (!(await flow(llm, { type: 'context', request_id: `c${i}`, toolkit_id: 'deaf' }))) return
      if (i % 10 === 0) await wait(1)
    }
  })
  expect(most).toBeLessThan(maxBytes)
})

it('as an LLM client whose calls are refused with a few bytes each', async () => {
  await using server = await startMeasuredServer()
  await using llm = await connectLlm(server)
  llm.socket.pause()
  const most = await server.cost(async () => {
    for (let i = 0; i < 200_000; i += 1) {
      const frame = { type: 'call', request_id: `c${i}`, toolkit_id: 'nobody', tool: 'x', params: {} }
      if (!(await flow(llm, frame))) return
    }
  })
  expect(most).toBeLessThan(maxBytes)
})

it('as a peer that sends pings', async () => {
  await using server = await startMeasuredServer()
  await using peer = await connectStubbornPeer(server.url, '/ws/v2/llm', server.keys.llmKey)
  peer.send({ type: 'hello', protocol: 2, instance_id: 'pings' })
  await peer.saw('"welcome"')
  peer.socket.pause()
  const most = await server.cost(async () => {
    for (let i = 0; i < 300; i += 1) {
      peer.sendPings(2_000)
      while (peer.socket.writableLength > 1_048_576) await wait(1)
    }
  })
  expect(most).toBeLessThan(maxBytes)
})

it('as a toolkit that asks again and again what is registered', async () => {
  await using server = await startMeasuredServer()
  const tools = Array.from({ length: 2_000 }, (_, i) => wireTool(`a_tool_with_a_name_of_some_length_${i}`))
  await using toolkit = await connectToolkit(server, tools)
  toolkit.socket.pause()
  const most = await server.cost(async () => {
    for (let i = 0; i < 5_000; i += 1) {
      if (!(await flow(toolkit, { type: 'register', request_id: `r${i}`, toolkit_hash: 'other' }))) return
    }
  })
  expect(most).toBeLessThan(maxBytes)
})
