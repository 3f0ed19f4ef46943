import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import { corpusLookup, createFakeInternet, type FakeInternet, publicAddress, selfSigned } from './shared-fixtures.ts'

/** One request as a server saw it. */
export interface SeenRequest {
  /** `https://public.example/path?query`. */
  url: string
  method: string
  headers: IncomingHttpHeaders
  body: string
}

export type Answer = (request: SeenRequest, response: ServerResponse) => unknown

/** A web of public sites, all of them one server of this machine, and the way to reach it. */
export interface Web extends AsyncDisposable {
  internet: FakeInternet
  seen: SeenRequest[]
  /** Given to a guard, makes it find and trust the sites. */
  options: { lookup: (hostname: string) => Promise<readonly string[]>; ca: string }
  /** Where the same server listens without TLS. */
  plainPort: number
  tlsPort: number
  /** How many connections it has now. */
  connections(): number
}

export const otherAddress = '151.101.1.1'
const sites = ['public.example', 'other.example', 'localhost', '127.0.0.1']

/** Starts the web; `answer` is every site. */
export async function startWeb(answer: Answer): Promise<Web> {
  const { key, cert } = selfSigned(...sites)
  const seen: SeenRequest[] = []
  const sockets = new Set<Socket>()
  const listener = (scheme: string) => async (message: IncomingMessage, response: ServerResponse) => {
    let body = ''
    message.on('error', () => {})
    for await (const chunk of message.setEncoding('utf8')) body += chunk
    const { method = '', headers } = message
    const request = { url: `${scheme}://${headers.host}${message.url}`, method, headers, body }
    seen.push(request)
    await answer(request, response)
  }
  const watch = async (server: Server): Promise<number> => {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket.on('error', () => {}).once('close', () => sockets.delete(socket)))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }
  const tls = createTlsServer({ key, cert }, listener('https'))
  const plain = createServer(listener('http'))
  const [tlsPort, plainPort] = await Promise.all([watch(tls), watch(plain)])
  const internet = createFakeInternet()
  for (const address of [publicAddress, otherAddress]) internet.host(address, 443, tlsPort)
  return {
    ...{ internet, seen, plainPort, tlsPort, connections: () => sockets.size },
    options: {
      ca: cert,
      lookup: async (hostname) => (hostname === 'other.example' ? [otherAddress] : corpusLookup(hostname)),
    },
    async [Symbol.asyncDispose]() {
      internet[Symbol.dispose]()
      for (const socket of sockets) socket.destroy()
      await Promise.all([tls, plain].map((server) => new Promise((resolve) => server.close(resolve))))
    },
  }
}
