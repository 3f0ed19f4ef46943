import { promises as dns } from 'node:dns'
import type { Resolver } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { isLoopbackAddress, isPublicAddress } from './address-rules.ts'
import { egressRefused, upstreamFailed } from './egress-error.ts'
import type { EgressLookup } from './egress-options.ts'
import type { Opening } from './egress-policy.ts'

/** Names as every other program of the machine sees them. */
export const systemLookup: EgressLookup = async (hostname) => {
  return (await dns.lookup(hostname, { all: true })).map(({ address }) => address)
}

/** Asks the name servers of a `dns.promises.Resolver`, and nothing else of this machine, for IPv4 and IPv6 addresses. */
export function resolverLookup(resolver: Pick<Resolver, 'resolve4' | 'resolve6'>): EgressLookup {
  return async (hostname) => {
    const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    if (addresses.length > 0) return addresses
    throw answers.find((answer) => answer.status === 'rejected')?.reason ?? new Error(`${hostname} has no address`)
  }
}

/**
 * What a socket resolves its host with (rules E3 and E4). The addresses that were checked are the ones it connects to:
 * there is no second look-up that a name server could answer differently.
 */
export function guardedLookup(lookup: EgressLookup, opening: Opening, shown: string): LookupFunction {
  return (hostname, options, callback) => {
    resolveChecked(lookup, hostname, opening, shown).then(
      ([first, ...others]) => {
        if (options.all) callback(null, [first, ...others])
        else callback(null, first.address, first.family)
      },
      (error: Error) => callback(error, ''),
    )
  }
}

/** Throws `egress_refused` unless a target of this kind may have this address (rules E3 and E7). */
export function checkAddress(address: string, opening: Opening, shown: string): void {
  if (opening === 'listed') return
  if (opening === 'loopback') {
    if (!isLoopbackAddress(address)) throw egressRefused('E3', shown, 'its address is not a loopback address')
  } else if (!isPublicAddress(address)) {
    // The address itself would tell a stranger about the network here.
    throw egressRefused('E3', shown, 'it has an address that is not public; the operator may list its exact host:port')
  }
}

type Addresses = [{ address: string; family: number }, ...{ address: string; family: number }[]]

async function resolveChecked(
  lookup: EgressLookup,
  hostname: string,
  opening: Opening,
  shown: string,
): Promise<Addresses> {
  let addresses: readonly string[]
  try {
    addresses = await lookup(hostname)
  } catch (error) {
    throw upstreamFailed(shown, 'could not be found by name', error)
  }
  // One bad address condemns the name: which one is tried first is not ours to say.
  for (const address of addresses) checkAddress(address, opening, shown)
  const [first, ...others] = addresses.map((address) => ({ address, family: isIP(address) }))
  if (first === undefined) throw upstreamFailed(shown, 'has no address', undefined)
  return [first, ...others]
}
