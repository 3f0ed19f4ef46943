import { lookup as systemLookup } from 'node:dns'
import { isIP, Socket, type TcpNetConnectOpts } from 'node:net'

/** Stands between this process and every network while it lives. */
export interface FakeInternet extends Disposable {
  /** Where connections were tried to, as `address:port`, in order. */
  readonly attempts: readonly string[]
  /** Lets a listener of this machine stand for a host that is not: `address:port` leads to `localPort`. */
  host(address: string, port: number, localPort: number): void
}

interface Address {
  address: string
}

/**
 * Replaces how sockets connect, for TCP and TLS and so for every client library in the process. Nothing leaves the
 * machine: what is hosted here goes to its listener, other loopback addresses go where they say, the rest is
 * unreachable. All are written down with the address that would have been connected to.
 */
export function createFakeInternet(): FakeInternet {
  const attempts: string[] = []
  const hosted = new Map<string, number>()
  // biome-ignore lint/complexity/noBannedTypes: the overloads of connect fit no other type
  const original: Function = Socket.prototype.connect

  function dial(socket: Socket, address: string, port: number, options: TcpNetConnectOpts): void {
    attempts.push(`${address}:${port}`)
    const localPort = hosted.get(`${address}:${port}`)
    const isLocal = address === '::1' || /^127\.\d+\.\d+\.\d+$/.test(address)
    if (localPort === undefined && !isLocal) {
      const error = new Error(`connect EHOSTUNREACH ${address}:${port}`)
      process.nextTick(() => socket.destroy(Object.assign(error, { code: 'EHOSTUNREACH' })))
      return
    }
    const { lookup: _, ...others } = options
    original.call(socket, { ...others, host: localPort ? '127.0.0.1' : address, port: localPort ?? port })
  }

  function connect(this: Socket, ...args: unknown[]): Socket {
    const [options, listener] = (Array.isArray(args[0]) ? args[0] : args) as [TcpNetConnectOpts, (() => void)?]
    if (typeof options !== 'object' || 'path' in options) return original.apply(this, args)
    if (listener) this.once('connect', listener)
    const { host = 'localhost', lookup = systemLookup } = options
    const port = Number(options.port)
    if (isIP(host) !== 0) {
      dial(this, host, port, options)
      return this
    }
    // As while any name is looked up: what is written waits.
    Object.assign(this, { connecting: true })
    lookup(host, { all: true }, (error: Error | null, found: string | Address[]) => {
      if (this.destroyed) return
      const first = typeof found === 'string' ? found : found?.[0]?.address
      if (error !== null || first === undefined) this.destroy(error ?? new Error(`${host} has no address`))
      else dial(this, first, port, options)
    })
    return this
  }

  Socket.prototype.connect = connect as typeof Socket.prototype.connect
  return {
    attempts,
    host: (address, port, localPort) => hosted.set(`${address}:${port}`, localPort),
    [Symbol.dispose]() {
      Socket.prototype.connect = original as typeof Socket.prototype.connect
    },
  }
}
