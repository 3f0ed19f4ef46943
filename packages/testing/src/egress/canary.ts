import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:net'

/** A listener that nobody may connect to. */
export interface Canary extends AsyncDisposable {
  port: number
  /** How many connections it has seen. */
  heard(): number
}

/** Listens on one port of 127.0.0.1 and, where the machine has it, ::1. */
export async function startCanary(): Promise<Canary> {
  let connections = 0
  const listen = async (host: string, port: number): Promise<Server> => {
    const server = createServer((socket) => {
      connections += 1
      socket.on('error', () => {}).destroy()
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, host, resolve)
    })
    return server
  }
  const four = await listen('127.0.0.1', 0)
  const { port } = four.address() as AddressInfo
  const six = await listen('::1', port).catch(() => undefined)
  return {
    port,
    heard: () => connections,
    async [Symbol.asyncDispose]() {
      for (const server of [four, six]) await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined))
    },
  }
}
