import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { AtpError } from '@atp/core'

/** Names where a request comes from, for limits per address. */
export type PeerAddress = (request: IncomingMessage) => string

/**
 * Makes the function that names where requests come from: the socket's remote address, or what trusted proxies say of
 * it in `X-Forwarded-For`, read from its end up to the first address that is none of theirs. Whatever stands before
 * that was written by the peer itself and proves nothing.
 * @param trustedProxies addresses and networks such as `10.0.0.0/8`
 * @throws AtpError `invalid_config` for what is neither
 */
export function createPeerAddress(trustedProxies: readonly string[]): PeerAddress {
  const trusted = new BlockList()
  for (const text of trustedProxies) addNetwork(trusted, text)
  const isTrusted = (address: string): boolean => {
    const version = isIP(address)
    return version !== 0 && trusted.check(address, version === 6 ? 'ipv6' : 'ipv4')
  }
  return ({ socket, headers }) => {
    let address = plainAddress(socket.remoteAddress ?? '')
    let hops: string[] | undefined
    while (isTrusted(address)) {
      hops ??= String(headers['x-forwarded-for'] ?? '').split(',')
      const hop = plainAddress(hops.pop()?.trim() ?? '')
      if (isIP(hop) === 0) break
      address = hop
    }
    return addressGroup(address)
  }
}

/**
 * What counts as one address: an IPv6 peer owns at least a /64 and could use a new address for each try (RFC 6177), so
 * its first four groups stand for it.
 */
export function addressGroup(address: string): string {
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.split('::', 2)
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}

/**
 * Without the zone, without the port and the brackets that some proxies write, and an IPv4 address that arrived over an
 * IPv6 socket in its own form.
 */
function plainAddress(text: string): string {
  const address = /^\[(.+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text
  const [plain = ''] = address.split('%', 1)
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)
  return mapped?.[1] ?? plain
}

function addNetwork(list: BlockList, text: string): void {
  const [address = '', bits, ...rest] = text.split('/')
  const version = isIP(address)
  const length = bits === undefined ? undefined : Number(bits)
  const longest = version === 6 ? 128 : 32
  if (version === 0 || rest.length > 0 || (length !== undefined && !isPrefixLength(bits, length, longest))) {
    throw new AtpError(
      'invalid_config',
      `"${text}" cannot be a trusted proxy: give addresses or networks such as 10.0.0.0/8`,
    )
  }
  const family = version === 6 ? 'ipv6' : 'ipv4'
  if (length === undefined) list.addAddress(address, family)
  else list.addSubnet(address, length, family)
}

function isPrefixLength(text: string | undefined, length: number, longest: number): boolean {
  return text !== undefined && /^\d{1,3}$/.test(text) && length <= longest
}
