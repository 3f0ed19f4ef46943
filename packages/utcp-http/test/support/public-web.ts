import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { corpusLookup, createFakeInternet, type FakeInternet, publicAddress, selfSigned } from '@atp/testing/egress'
import { type Answer, readSeen, type SeenRequest } from './site.ts'

/** A web of public sites, all of them one server of this machine behind TLS; nothing leaves the machine meanwhile. */
export interface PublicWeb extends AsyncDisposable {
  readonly internet: FakeInternet
  /** What the sites saw; `host` of the headers tells which one. */
  readonly seen: SeenRequest[]
  /** Makes the guard find and trust the sites. */
  readonly egress: { lookup: (hostname: string) => Promise<readonly string[]>; ca: string }
}

const otherAddress = '151.101.1.1'

/** Starts `public.example` and `other.example`. */
export async function startPublicWeb(answer: Answer): Promise<PublicWeb> {
  const { key, cert } = selfSigned('public.example', 'other.example')
  const seen: SeenRequest[] = []
  const sockets = new Set<Socket>()
  const server = createServer({ key, cert }, async (message, response) => {
    const request = await readSeen(message)
    if (request === undefined) return
    seen.push(request)
    await answer(request, response)
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => {}).once('close', () => sockets.delete(socket)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const internet = createFakeInternet()
  for (const address of [publicAddress, otherAddress]) internet.host(address, 443, port)
  return {
    ...{ internet, seen },
    egress: {
      ca: cert,
      lookup: async (hostname) => (hostname === 'other.example' ? [otherAddress] : corpusLookup(hostname)),
    },
    async [Symbol.asyncDispose]() {
      internet[Symbol.dispose]()
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
