import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { type Direction, type LaneConditions, ProxyLane } from './proxy-lane.ts'

/**
 * Sees every chunk before it travels on, so that a test can act between an answer and its arrival. `cut` and `reset` end
 * this connection and drop the chunk; `silence` lets this connection pass nothing any more, in either direction, and
 * keeps its sockets.
 */
export type ByteHook = (direction: Direction, chunk: Buffer) => 'pass' | 'cut' | 'reset' | 'silence' | undefined

/** What passed a proxy since it was started. */
export interface ProxyCounters {
  /** Connections that were taken. */
  connections: number
  /** Those that are open. */
  open: number
  /** Those that the proxy ended itself. */
  cut: number
  bytes: Record<Direction, number>
}

/** How a proxy is started. */
export interface FaultyProxyOptions {
  target: { host: string; port: number }
}

/** A way to a service on a port of its own, which can be broken in the ways networks break. */
export interface FaultyProxy extends AsyncDisposable {
  readonly host: string
  readonly port: number
  readonly counters: Readonly<ProxyCounters>
  /** Called for every chunk of every connection; undefined for nobody. */
  onBytes: ByteHook | undefined
  /** Lets every byte travel this long, in milliseconds; 0 as fast as it can. Also holds for what is on its way. */
  delay(delayMs: number): void
  /** Writes at most so many bytes at once; infinity as they come. */
  slice(bytes: number): void
  /** Lets so many bytes a second pass, in each direction of each connection; infinity as many as come. */
  bandwidth(bytesPerSecond: number): void
  /** Ends all connections at once, on both sides. What is on its way is lost; new connections are taken. */
  cut(): void
  /** As `cut`, with a reset (RST) instead of an end. */
  reset(): void
  /**
   * Lets so many more bytes pass in a direction, all connections together, and then cuts. Resolves when it has.
   * @throws RangeError for less than one byte
   */
  cutAfterBytes(direction: Direction, bytes: number): Promise<void>
  /** Lets no byte pass, as behind a cable that was pulled: sockets stay, and no end is told of the other's. */
  halfOpen(direction?: Direction): void
  /** Takes new connections and leaves them without an answer. */
  pauseNew(): void
  /** Refuses new connections, as where nothing listens. Those that are open stay. */
  refuseNew(): Promise<void>
  /** Ends every fault: bytes that waited pass, connections that waited are made, ends that were kept quiet are told. */
  restore(): Promise<void>
  /** Ends all connections and gives the port back. Idempotent. */
  close(): Promise<void>
}

interface Link {
  client: Socket
  target: Socket
  lanes: ProxyLane[]
  silent: boolean
}

const host = '127.0.0.1'

/** Starts a proxy on a free port of this machine. It passes everything until told otherwise. */
export async function startFaultyProxy({ target }: FaultyProxyOptions): Promise<FaultyProxy> {
  const links = new Set<Link>()
  const waiting = new Set<Socket>()
  const conditions: LaneConditions = {
    delayMs: 0,
    sliceBytes: Number.POSITIVE_INFINITY,
    bytesPerSecond: Number.POSITIVE_INFINITY,
  }
  const silent = new Set<Direction>()
  const allowances = new Map<Direction, { bytes: number; done: () => void }>()
  const counters: ProxyCounters = { connections: 0, open: 0, cut: 0, bytes: { 'to-target': 0, 'to-client': 0 } }
  let paused = false
  let port = 0
  let listener: Server | undefined

  function take(client: Socket): void {
    client.on('error', () => {})
    counters.connections += 1
    if (!paused) {
      join(client)
      return
    }
    waiting.add(client)
    client.once('close', () => waiting.delete(client))
  }

  function join(client: Socket): void {
    const link: Link = { client, target: connect({ ...target, allowHalfOpen: true }), lanes: [], silent: false }
    links.add(link)
    counters.open += 1
    link.target.on('error', () => {})
    link.lanes.push(lane(link, 'to-target'), lane(link, 'to-client'))
    for (const socket of [client, link.target]) socket.once('close', () => settle(link))
  }

  function lane(link: Link, direction: Direction): ProxyLane {
    const [from, to] = direction === 'to-target' ? [link.client, link.target] : [link.target, link.client]
    return new ProxyLane({
      from,
      to,
      conditions,
      isSilent: () => link.silent || silent.has(direction),
      onArrival: (chunk) => arrived(link, direction, chunk),
      allowance: () => allowances.get(direction)?.bytes ?? Number.POSITIVE_INFINITY,
      onForwarded: (bytes) => forwarded(direction, bytes),
    })
  }

  function arrived(link: Link, direction: Direction, chunk: Buffer): boolean {
    const verdict = proxy.onBytes?.(direction, chunk) ?? 'pass'
    if (verdict === 'silence') link.silent = true
    if (verdict === 'cut' || verdict === 'reset') end(link, verdict)
    return verdict === 'pass' || verdict === 'silence'
  }

  function forwarded(direction: Direction, bytes: number): void {
    counters.bytes[direction] += bytes
    const allowance = allowances.get(direction)
    if (allowance === undefined) return
    allowance.bytes -= bytes
    if (allowance.bytes > 0) return
    allowances.delete(direction)
    proxy.cut()
    allowance.done()
  }

  /** One end is gone: so is the other, unless the network between them is what is gone. */
  function settle(link: Link): void {
    if (link.silent || silent.size > 0) return
    const { client, target: server } = link
    const [gone, other] = client.destroyed ? [client, server] : [server, client]
    if (!gone.destroyed) return
    // What came before the end passes first; an end by error comes at once.
    if (gone.errored !== null || other.destroyed || !gone.readableEnded) other.destroy()
    if (client.destroyed && server.destroyed && links.delete(link)) counters.open -= 1
  }

  function end(link: Link, how: 'cut' | 'reset'): void {
    if (!links.delete(link)) return
    counters.open -= 1
    counters.cut += 1
    for (const socket of [link.client, link.target]) {
      if (how === 'reset') socket.resetAndDestroy()
      else socket.destroy()
    }
  }

  function changed(): void {
    for (const link of links) for (const each of link.lanes) each.changed()
  }

  async function listen(): Promise<void> {
    if (listener !== undefined) return
    listener = createServer({ allowHalfOpen: true }, take)
    listener.listen(port, host)
    await once(listener, 'listening')
    port = (listener.address() as AddressInfo).port
  }

  async function stopListening(): Promise<void> {
    const closing = listener
    listener = undefined
    // Open connections keep a listener from closing; from refusing new ones they do not.
    closing?.close()
  }

  const proxy: FaultyProxy = {
    host,
    get port() {
      return port
    },
    counters,
    onBytes: undefined,
    delay(delayMs) {
      conditions.delayMs = delayMs
      changed()
    },
    slice(bytes) {
      conditions.sliceBytes = bytes
      changed()
    },
    bandwidth(bytesPerSecond) {
      conditions.bytesPerSecond = bytesPerSecond
      changed()
    },
    cut() {
      for (const link of [...links]) end(link, 'cut')
    },
    reset() {
      for (const link of [...links]) end(link, 'reset')
    },
    cutAfterBytes(direction, bytes) {
      if (!(bytes >= 1)) throw new RangeError('A cut comes after one byte at the earliest')
      const { promise, resolve } = Promise.withResolvers<void>()
      allowances.set(direction, { bytes, done: resolve })
      return promise
    },
    halfOpen(direction) {
      for (const each of ['to-target', 'to-client'] as const) {
        if (direction === undefined || direction === each) silent.add(each)
      }
    },
    pauseNew() {
      paused = true
    },
    refuseNew: stopListening,
    async restore() {
      Object.assign(conditions, {
        delayMs: 0,
        sliceBytes: Number.POSITIVE_INFINITY,
        bytesPerSecond: Number.POSITIVE_INFINITY,
      })
      silent.clear()
      allowances.clear()
      paused = false
      proxy.onBytes = undefined
      for (const client of waiting) join(client)
      waiting.clear()
      for (const link of links) {
        link.silent = false
        settle(link)
      }
      changed()
      await listen()
    },
    async close() {
      await stopListening()
      proxy.cut()
      for (const client of waiting) client.destroy()
      waiting.clear()
    },
    [Symbol.asyncDispose]: () => proxy.close(),
  }
  await listen()
  return proxy
}
