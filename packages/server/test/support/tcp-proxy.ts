import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A way to a service that can be broken in the ways networks break. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** Connections are made and bytes pass, from now on. */
  pass(): Promise<void>
  /** Ends all connections; new ones are refused, as by a service that stopped. */
  refuse(): Promise<void>
  /** Connections stay and new ones are taken, but no byte passes, as behind a cable that was pulled. */
  hang(): void
  /** Ends all connections at once, and takes new ones. */
  cut(): void
}

interface Pair {
  inner: Socket
  outer: Socket
}

/** Starts a proxy on a free port. */
export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<Pair>()
  /** Whose bytes were lost: what follows would be garbage, so these never pass anything again. */
  const strays = new Set<Socket>()
  let hanging = false
  let port = 0
  let server: Server | undefined

  function join(outer: Socket): void {
    outer.on('error', () => {})
    if (hanging) {
      strays.add(outer)
      return
    }
    const inner = connect(target)
    const pair = { inner, outer }
    pairs.add(pair)
    inner.on('error', () => {})
    outer.pipe(inner)
    inner.pipe(outer)
    const end = (): void => {
      // A pulled cable tells neither end of the other.
      if (hanging || strays.has(outer)) return
      pairs.delete(pair)
      inner.destroy()
      outer.destroy()
    }
    inner.on('close', end)
    outer.on('close', end)
  }

  async function listen(): Promise<void> {
    if (server) return
    server = createServer(join)
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }

  function cut(): void {
    for (const { inner, outer } of pairs) {
      pairs.delete({ inner, outer })
      inner.destroy()
      outer.resetAndDestroy()
    }
    pairs.clear()
  }

  function dropStrays(): void {
    for (const socket of strays) socket.destroy()
    strays.clear()
  }

  await listen()
  return {
    get port() {
      return port
    },
    async pass() {
      hanging = false
      await listen()
    },
    async refuse() {
      hanging = false
      const closing = server
      server = undefined
      const closed = closing && once(closing, 'close')
      closing?.close()
      cut()
      dropStrays()
      await closed
    },
    hang() {
      hanging = true
      for (const { inner, outer } of pairs) {
        outer.unpipe(inner)
        inner.unpipe(outer)
        outer.pause()
        inner.pause()
        // Kept open, as the service has not heard that its peer is gone.
        strays.add(outer).add(inner)
      }
      pairs.clear()
    },
    cut,
    async [Symbol.asyncDispose]() {
      const closed = server && once(server, 'close')
      server?.close()
      cut()
      dropStrays()
      await closed
    },
  }
}
