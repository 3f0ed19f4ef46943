import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { FrameWriter } from '../../src/gateway/frame-writer.ts'

let socket: WebSocket
let client: WebSocket
let stream: Duplex
let writer: FrameWriter
let close: () => Promise<void>

beforeEach(async () => {
  const http = createServer()
  const server = new WebSocketServer({ noServer: true })
  const accepted = new Promise<void>((resolve) => {
    http.on('upgrade', (request: IncomingMessage, connection, head) => {
      server.handleUpgrade(request, connection, head, (made) => {
        socket = made
        stream = connection
        resolve()
      })
    })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`)
  client.on('error', () => {})
  await Promise.all([accepted, once(client, 'open')])
  socket.on('error', () => {})
  writer = new FrameWriter(socket, stream)
  socket.on('close', () => writer.ended())
  close = async () => {
    client.terminate()
    socket.terminate()
    http.close()
    await once(http, 'close')
  }
})
afterEach(async () => {
  await close()
})

function item() {
  return { written: vi.fn(), notWritten: vi.fn() }
}

it('sends the frames of a turn in their order, and tells that they left once the turn is over', async () => {
  const received: string[] = []
  client.on('message', (data) => received.push(data.toString()))
  const [first, second] = [item(), item()]
  writer.send('one', first)
  writer.send('two', second)
  expect(first.written).not.toHaveBeenCalled()
  await vi.waitFor(() => expect(received).toEqual(['one', 'two']))
  for (const each of [first, second]) {
    expect(each.written).toHaveBeenCalledOnce()
    expect(each.notWritten).not.toHaveBeenCalled()
  }
  await vi.waitFor(() => expect(writer.backlog).toBe(0))
})

it('tells of each frame once whether it left, when the peer stops reading and is lost', async () => {
  client.pause()
  const items: ReturnType<typeof item>[] = []
  // Until the system takes no more: then whole batches wait.
  while (items.filter((each) => each.written.mock.calls.length === 0).length < 20) {
    for (let i = 0; i < 5; i += 1) {
      const one = item()
      items.push(one)
      writer.send('x'.repeat(200_000), one)
    }
    await new Promise((done) => setImmediate(done))
  }
  const left = items.filter((each) => each.written.mock.calls.length > 0).length
  expect(left).toBeGreaterThan(0)
  socket.terminate()
  await once(socket, 'close')
  expect(items.map(({ written }) => written.mock.calls.length)).toEqual(items.map((_, i) => (i < left ? 1 : 0)))
  expect(items.map(({ notWritten }) => notWritten.mock.calls.length)).toEqual(items.map((_, i) => (i < left ? 0 : 1)))
})

it('hands over what waited when the peer reads again, whole', async () => {
  client.pause()
  const items: ReturnType<typeof item>[] = []
  while (items.filter((each) => each.written.mock.calls.length === 0).length < 20) {
    const one = item()
    items.push(one)
    writer.send(`${items.length} ${'x'.repeat(500_000)}`, one)
    await new Promise((done) => setImmediate(done))
  }
  let received = 0
  client.on('message', (data) => {
    received += 1
    expect(data.toString().startsWith(`${received} `)).toBe(true)
  })
  client.resume()
  await vi.waitFor(() => expect(received).toBe(items.length), 10_000)
  expect(items.every(({ written }) => written.mock.calls.length === 1)).toBe(true)
  await vi.waitFor(() => expect(writer.backlog).toBe(0))
})

it('sends nothing of a turn in which the connection is lost, and says so', async () => {
  const one = item()
  writer.send('never', one)
  stream.destroy()
  await once(socket, 'close')
  expect(one.written).not.toHaveBeenCalled()
  expect(one.notWritten).toHaveBeenCalledOnce()
})

it('counts what waits in bytes, not in characters, and with what each frame costs beside them', async () => {
  client.pause()
  // What the system takes in does not wait here any more.
  while (writer.backlog < 4_000_000) {
    writer.send('x'.repeat(1_000_000), undefined)
    await new Promise((done) => setImmediate(done))
  }
  const before = writer.backlog
  for (let i = 0; i < 100; i += 1) writer.send('字'.repeat(1_000), undefined)
  expect(writer.backlog - before).toBeGreaterThanOrEqual(100 * (3_000 + 512))
})
