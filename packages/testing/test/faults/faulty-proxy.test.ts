import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { type FaultyProxy, startFaultyProxy } from '../../src/faults/index.ts'

/** Two ends of one connection that leads through a proxy. */
interface Line extends AsyncDisposable {
  proxy: FaultyProxy
  /** The end that connected, and what it got. */
  client: End
  /** The end that the proxy stands in front of. */
  target: End
  /** One more connection; its other end is not waited for. */
  connect(): Promise<Socket>
}

interface End {
  socket: Socket
  text: () => string
  /** How many pieces came in. */
  pieces: () => number
  /** Resolves once so many bytes came in. */
  got(bytes: number): Promise<void>
  /** Resolves with how it ended: `end`, or the code of its error. */
  ended: Promise<string>
}

function watch(socket: Socket): End {
  const chunks: Buffer[] = []
  const length = (): number => chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  return {
    socket,
    text: () => Buffer.concat(chunks).toString(),
    pieces: () => chunks.length,
    async got(bytes) {
      while (length() < bytes) await once(socket, 'data')
    },
    ended: new Promise((resolve) => {
      socket.on('end', () => resolve('end'))
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
      socket.on('close', () => resolve('closed'))
    }),
  }
}

async function open(): Promise<Line> {
  const server = createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const proxy = await startFaultyProxy({ target: { host: '127.0.0.1', port } })
  const sockets: Socket[] = []
  const dial = async (): Promise<Socket> => {
    const socket = connect({ host: proxy.host, port: proxy.port, allowHalfOpen: true })
    sockets.push(socket)
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket
  }
  const accepted = once(server, 'connection')
  const client = watch(await dial())
  const [socket] = (await accepted) as [Socket]
  sockets.push(socket)
  return {
    proxy,
    client,
    target: watch(socket),
    connect: dial,
    async [Symbol.asyncDispose]() {
      await proxy.close()
      for (const each of sockets) each.destroy()
      server.close()
    },
  }
}

describe('a proxy without a fault', () => {
  it('passes everything in both directions, in order, and counts it', async () => {
    await using line = await open()
    const large = 'x'.repeat(3_000_000)
    line.client.socket.write(`${large}end`)
    line.target.socket.write('answer')
    await Promise.all([line.target.got(large.length + 3), line.client.got(6)])
    expect(line.target.text() === `${large}end`).toBe(true)
    expect(line.client.text()).toBe('answer')
    expect(line.proxy.counters).toMatchObject({
      connections: 1,
      open: 1,
      cut: 0,
      bytes: { 'to-target': large.length + 3, 'to-client': 6 },
    })
  })

  it('passes an end on, and what is still answered after it', async () => {
    await using line = await open()
    line.client.socket.end('question')
    expect(await line.target.ended).toBe('end')
    line.target.socket.end('answer')
    expect(await line.client.ended).toBe('end')
    expect(line.client.text()).toBe('answer')
    await vi.waitFor(() => expect(line.proxy.counters.open).toBe(0))
  })

  it('tells one side when the other is gone for good', async () => {
    await using line = await open()
    line.target.socket.resetAndDestroy()
    expect(await line.client.ended).not.toBe('')
    await vi.waitFor(() => expect(line.proxy.counters.open).toBe(0))
  })

  it('does not lose bytes for a reader that pauses', async () => {
    await using line = await open()
    line.target.socket.pause()
    const large = Buffer.alloc(8_000_000, 'x')
    line.client.socket.write(large)
    // More than the two kernels and the proxy keep.
    await vi.waitFor(() => expect(line.proxy.counters.bytes['to-target']).toBeGreaterThan(100_000))
    line.target.socket.resume()
    await line.target.got(large.length)
  })
})

describe('a proxy that breaks things', () => {
  it('delays every byte', async () => {
    await using line = await open()
    line.proxy.delay(80)
    const sentAt = performance.now()
    line.client.socket.write('late')
    await line.target.got(4)
    // A timer of the system may end a millisecond early.
    expect(performance.now() - sentAt).toBeGreaterThanOrEqual(78)
  })

  it('lets what is delayed pass at once when the delay ends', async () => {
    await using line = await open()
    line.proxy.delay(3_600_000)
    line.client.socket.write('early')
    await vi.waitFor(() => expect(line.client.socket.bytesWritten).toBe(5))
    line.proxy.delay(0)
    await line.target.got(5)
  })

  it('loses what is on its way when it cuts, and takes new connections', async () => {
    await using line = await open()
    line.proxy.delay(3_600_000)
    const arrived = Promise.withResolvers<void>()
    line.proxy.onBytes = () => {
      arrived.resolve()
      return 'pass'
    }
    line.target.socket.write('an answer')
    await arrived.promise
    line.proxy.cut()
    await Promise.all([line.client.ended, line.target.ended])
    expect(line.client.text()).toBe('')
    expect(line.proxy.counters).toMatchObject({ open: 0, cut: 1 })
    const again = await line.connect()
    expect(again.destroyed).toBe(false)
  })

  it.each(['to-target', 'to-client'] as const)('cuts after so many bytes %s, and not one more', async (direction) => {
    await using line = await open()
    const [from, to] = direction === 'to-target' ? [line.client, line.target] : [line.target, line.client]
    const cut = line.proxy.cutAfterBytes(direction, 5)
    from.socket.write('123')
    await to.got(3)
    expect(line.proxy.counters.open).toBe(1)
    from.socket.write('45678')
    await cut
    await to.ended
    expect(to.text()).toBe('12345')
    expect(line.proxy.counters.bytes[direction]).toBe(5)
  })

  it('refuses to cut before there is a byte', async () => {
    await using line = await open()
    expect(() => line.proxy.cutAfterBytes('to-client', 0)).toThrow(RangeError)
  })

  it('lets nothing pass while it is half open, keeps the sockets, and goes on where it stopped', async () => {
    await using line = await open()
    line.proxy.halfOpen()
    line.client.socket.write('into the dark')
    line.client.socket.end()
    line.target.socket.write('nobody hears')
    // The proxy takes new connections all the time: an answer on one of them comes after all that was sent before.
    await vi.waitFor(() => expect(line.client.socket.writableFinished).toBe(true))
    await line.connect()
    expect([line.target.text(), line.client.text()]).toEqual(['', ''])
    expect([line.client.socket.destroyed, line.target.socket.destroyed]).toEqual([false, false])
    await line.proxy.restore()
    await Promise.all([line.target.got(13), line.client.got(12)])
    expect(await line.target.ended).toBe('end')
  })

  it('can be half open in one direction only', async () => {
    await using line = await open()
    line.proxy.halfOpen('to-target')
    line.client.socket.write('question')
    line.target.socket.write('still heard')
    await line.client.got(11)
    expect(line.target.text()).toBe('')
  })

  it('hides from one end that the other is gone while it is half open', async () => {
    await using line = await open()
    line.proxy.halfOpen()
    line.target.socket.destroy()
    await line.connect()
    expect(line.client.socket.destroyed).toBe(false)
    await line.proxy.restore()
    expect(await line.client.ended).not.toBe('')
  })

  it('resets: both sides hear of an error instead of an end', async () => {
    await using line = await open()
    line.proxy.reset()
    expect(await Promise.all([line.client.ended, line.target.ended])).toEqual(['ECONNRESET', 'ECONNRESET'])
  })

  it('slices what is written at once into pieces', async () => {
    await using line = await open()
    line.client.socket.setNoDelay()
    line.proxy.slice(3)
    line.client.socket.write('123456789')
    await line.target.got(9)
    expect(line.target.text()).toBe('123456789')
    expect(line.target.pieces()).toBeGreaterThanOrEqual(2)
  })

  it('keeps to its bandwidth', async () => {
    await using line = await open()
    line.proxy.bandwidth(10_000)
    const startedAt = performance.now()
    line.client.socket.write(Buffer.alloc(2_000))
    await line.target.got(2_000)
    // The pause after the last piece is not waited for.
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(140)
  })
})

describe('new connections', () => {
  it('wait while they are paused, and are made when it ends', async () => {
    await using line = await open()
    line.proxy.pauseNew()
    const waiting = watch(await line.connect())
    waiting.socket.write('hello')
    // What is open already is served meanwhile.
    line.client.socket.write('12345')
    await line.target.got(5)
    expect(line.proxy.counters).toMatchObject({ connections: 2, open: 1 })
    await line.proxy.restore()
    await vi.waitFor(() => expect(line.proxy.counters).toMatchObject({ open: 2, bytes: { 'to-target': 10 } }))
  })

  it('are refused as where nothing listens, on a port that stays the same', async () => {
    await using line = await open()
    const { port } = line.proxy
    await line.proxy.refuseNew()
    await expect(line.connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    line.client.socket.write('still here')
    await line.target.got(10)
    await line.proxy.restore()
    expect(line.proxy.port).toBe(port)
    expect((await line.connect()).destroyed).toBe(false)
  })
})

describe('the hook on bytes', () => {
  it('sees every chunk with its direction before it travels on', async () => {
    await using line = await open()
    const seen: string[] = []
    line.proxy.onBytes = (direction, chunk) => {
      seen.push(`${direction} ${chunk}`)
      return 'pass'
    }
    line.client.socket.write('question')
    await line.target.got(8)
    line.target.socket.write('answer')
    await line.client.got(6)
    expect(seen).toEqual(['to-target question', 'to-client answer'])
  })

  it.each([
    ['cut', 'end'],
    ['reset', 'ECONNRESET'],
  ] as const)('can %s between an answer and its arrival', async (verdict, ended) => {
    await using line = await open()
    line.proxy.onBytes = (_, chunk) => (chunk.includes('answer') ? verdict : 'pass')
    line.client.socket.write('question')
    await line.target.got(8)
    line.target.socket.write('the answer')
    expect(await line.client.ended).toBe(ended)
    expect(line.client.text()).toBe('')
  })

  it('can silence one connection and leave the others alone', async () => {
    await using line = await open()
    line.proxy.onBytes = (_, chunk) => (chunk.includes('secret') ? 'silence' : 'pass')
    line.client.socket.write('secret')
    const other = await line.connect()
    other.write('heard')
    await vi.waitFor(() => expect(line.proxy.counters.bytes['to-target']).toBe(5))
    expect(line.target.text()).toBe('')
    expect(line.client.socket.destroyed).toBe(false)
  })
})

it('gives its port back and ends all connections when it is closed', async () => {
  await using line = await open()
  const { port } = line.proxy
  line.proxy.pauseNew()
  const waiting = watch(await line.connect())
  await line.proxy.close()
  await line.proxy.close()
  await Promise.all([line.client.ended, waiting.ended])
  const refused = connect({ host: '127.0.0.1', port })
  await expect(once(refused, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})
