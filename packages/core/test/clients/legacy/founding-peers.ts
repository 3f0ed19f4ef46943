import { AtpError } from '../../../src/errors/atp-error.ts'
import type { Connect } from '../../../src/transport/transport.ts'
import { createMemoryServer, type MemoryServer } from '../../transport/memory-transport.ts'
import type { TestPeer } from '../../transport/test-peer.ts'

/** Key with characters that an address has to escape. */
export const oddKey = 'key/with?odd#ones'

/** A server in memory that has only some addresses. */
export interface FoundingMemory {
  readonly memory: MemoryServer
  readonly connect: Connect
  /** The paths that were connected to, refused ones included. */
  readonly paths: string[]
  /** What a path is refused with; undefined takes it. */
  refuse: (path: string) => AtpError | undefined
  /** How often each socket was pinged. */
  pings: number
  /** Whether pings are answered. */
  pongs: boolean
}

/** What a handshake answered with 404 fails with. */
export function notFound(): AtpError {
  return new AtpError('connection_failed', 'the server answered 404', { details: { status: 404 } })
}

/** A server that has the v1 addresses only. */
export function foundingMemory(): FoundingMemory {
  const memory = createMemoryServer()
  const server: FoundingMemory = {
    memory,
    paths: [],
    pings: 0,
    pongs: true,
    refuse: (path) => (path.includes('/ws/v2/') ? notFound() : undefined),
    async connect(options) {
      const path = options.url.replace(/^ws:\/\/[^/]+/, '')
      server.paths.push(path)
      const refusal = server.refuse(path)
      if (refusal) throw refusal
      const connected = await memory.connect(options)
      const ping = (): void => {
        server.pings += 1
        if (server.pongs) options.handlers.onActivity()
      }
      return { ...connected, transport: Object.assign(connected.transport, { ping }) }
    },
  }
  return server
}

/** The next message a client sends. */
export async function nextMessage(peer: TestPeer): Promise<Record<string, unknown>> {
  return JSON.parse(await peer.received.next()) as Record<string, unknown>
}

/** Sends a message as a server does. */
export function tell(peer: TestPeer, message: unknown): void {
  peer.send(JSON.stringify(message))
}
