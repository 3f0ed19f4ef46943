import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** All of IPv6 that is given out to networks; everything else is special in some way. */
const givenOut: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3]

/** Reads as an ordinary address, but answers only inside a cloud: the agent of every Azure machine. */
const platformAddresses: ReadonlySet<string> = new Set(['168.63.129.16'])

/**
 * Whether an address may be reached without the operator's word. Whatever is not certainly public is not:
 * text that is no address, addresses with a zone, and every IPv6 form that carries an IPv4 address inside it.
 */
export function isPublicAddress(text: string): boolean {
  const address = readAddress(text)
  if (address?.range() !== 'unicast' || platformAddresses.has(address.toString())) return false
  return address.kind() === 'ipv4' || isOrdinaryIpv6(address as ipaddr.IPv6)
}

/** Whether an address is this machine's own: 127.0.0.0/8 or ::1. */
export function isLoopbackAddress(text: string): boolean {
  return readAddress(text)?.range() === 'loopback'
}

/** Whether a host, as the URL parser writes it but without brackets, is loopback by its text alone. */
export function isLiteralLoopback(host: string): boolean {
  return host === 'localhost' || (isIP(host) !== 0 && isLoopbackAddress(host))
}

/** Whether a host leads to this machine on one system or another, 0.0.0.0 and names below `localhost` included. */
export function meansLoopback(host: string): boolean {
  if (isLocalhostName(host)) return true
  const range = readAddress(host)?.range()
  return range === 'loopback' || range === 'unspecified'
}

/** `localhost` and every name below it, which no name server should ever be asked for (RFC 6761). */
export function isLocalhostName(host: string): boolean {
  return /(?:^|\.)localhost\.?$/i.test(host)
}

/** The address that a packet would go to: IPv4-mapped IPv6 counts as the IPv4 address. */
function readAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  // Node's own parser is the strict one: `010.0.0.1` and `127.1` are names to it, and are judged once resolved.
  if (isIP(text) === 0 || text.includes('%')) return undefined
  return ipaddr.process(text)
}

function isOrdinaryIpv6(address: ipaddr.IPv6): boolean {
  // NAT64, IPv4-compatible and -translated addresses read as unicast or lie outside; 6to4 and Teredo have ranges of
  // their own. What is left is ISATAP, whose last 64 bits are 0:5efe or 200:5efe and an IPv4 address.
  const isIsatap = address.parts[5] === 0x5efe && ((address.parts[4] ?? 0) & ~0x0200) === 0
  return address.match(givenOut) && !isIsatap
}
