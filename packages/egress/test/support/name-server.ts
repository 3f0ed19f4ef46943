import { createSocket } from 'node:dgram'
import { promises as dns } from 'node:dns'
import { decode, encode } from 'dns-packet'
import { type EgressLookup, resolverLookup } from '../../src/index.ts'

/** A name server of our own on loopback, which answers IPv4 addresses as a test wants it to. */
export interface NameServer extends AsyncDisposable {
  lookup: EgressLookup
  /** The names that were asked for by IPv4 address, in order. */
  asked: string[]
}

/** `answers` is asked for the addresses of a name each time, with how many questions for it came before. */
export async function startNameServer(answers: (name: string, before: number) => string[]): Promise<NameServer> {
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (message, { port, address }) => {
    const query = decode(message)
    const [question] = query.questions ?? []
    if (question === undefined) return
    const isIpv4 = question.type === 'A'
    const addresses = isIpv4 ? answers(question.name, asked.filter((name) => name === question.name).length) : []
    if (isIpv4) asked.push(question.name)
    socket.send(
      encode({
        type: 'response',
        id: query.id ?? 0,
        questions: [question],
        // Nothing may be remembered: the next question gets the next answer.
        answers: addresses.map((data) => ({ type: 'A' as const, name: question.name, ttl: 0, data })),
      }),
      port,
      address,
    )
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const resolver = new dns.Resolver({ timeout: 1_000, tries: 1 })
  resolver.setServers([`127.0.0.1:${socket.address().port}`])
  return {
    ...{ lookup: resolverLookup(resolver), asked },
    [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}
