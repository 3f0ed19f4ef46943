import { BlockList } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  isLiteralLoopback,
  isLocalhostName,
  isLoopbackAddress,
  isPublicAddress,
  meansLoopback,
} from '../src/address-rules.ts'

/** The special blocks of IPv4 as IANA lists them, written down apart from the library that the code uses. */
const specialBlocks = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.31.196.0/24', '192.52.193.0/24', '192.88.99.0/24', '192.168.0.0/16', '192.175.48.0/24'],
  ...['198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4', '168.63.129.16/32'],
]
const special = new BlockList()
for (const [network = '', prefix] of specialBlocks.map((block) => block.split('/'))) {
  special.addSubnet(network, Number(prefix))
}

describe('isPublicAddress', () => {
  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '93.184.216.34',
    '172.15.255.255',
    '172.32.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '9.255.255.255',
  ])('lets %s pass', (address) => expect(isPublicAddress(address)).toBe(true))
  it.each(['2606:4700::1111', '2001:4860:4860::8888', '2A00:1450::1', '2000:ffff::1', '3ffe::1', '::ffff:8.8.8.8'])(
    'lets %s pass',
    (address) => expect(isPublicAddress(address)).toBe(true),
  )

  it.each(specialBlocks)('stops all of %s at its very edges, and no more', (block) => {
    const [network = '', prefix] = block.split('/')
    const first = toNumber(network)
    const last = first + 2 ** (32 - Number(prefix)) - 1
    expect([first, last].map((each) => isPublicAddress(toDotted(each)))).toEqual([false, false])
    for (const neighbour of [first - 1, last + 1].filter((each) => each >= 0 && each < 2 ** 32)) {
      expect(isPublicAddress(toDotted(neighbour))).toBe(!special.check(toDotted(neighbour)))
    }
  })

  it('agrees with the list of IANA on any IPv4 address', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1).map(toDotted), (address) => isPublicAddress(address) === !special.check(address)),
      { numRuns: 5_000 },
    )
  })

  it('lets no IPv6 address pass outside 2000::/3', () => {
    const group = fc.nat(0xffff)
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const first = groups[0] ?? 0
        return first >> 13 === 1 || !isPublicAddress(groups.map((each) => each.toString(16)).join(':'))
      }),
      { numRuns: 5_000 },
    )
  })

  it.each([
    '',
    'public.example',
    '127.1',
    '8.8.8',
    '08.8.8.8',
    '134744072',
    '0x08080808',
    '8.8.8.8.',
    ' 8.8.8.8',
    '8.8.8.8/32',
    '[2606:4700::1111]',
    '2606:4700::1111%eth0',
    '2606:4700::1111/64',
  ])('takes %j for no address at all', (text) => expect(isPublicAddress(text)).toBe(false))
})

describe('what is loopback', () => {
  it('is told of addresses', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'].map(isLoopbackAddress)).toEqual([
      true,
      true,
      true,
      true,
    ])
    expect(['128.0.0.1', '0.0.0.0', '::', '10.0.0.1', '::1%lo', 'localhost'].some(isLoopbackAddress)).toBe(false)
  })

  it('is told of hosts by their text: only the plainest open anything', () => {
    expect(['localhost', '127.0.0.1', '127.0.0.2', '::1'].every(isLiteralLoopback)).toBe(true)
    const others = [
      'localhost.',
      'a.localhost',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '0.0.0.0',
      '::',
      'xlocalhost',
    ]
    expect(others.some(isLiteralLoopback)).toBe(false)
  })

  it('is told of hosts by what any system may take them for: all of them are closed to redirects', () => {
    const all = [
      'localhost',
      'LOCALHOST.',
      'a.localhost',
      '127.0.0.1',
      '0.0.0.0',
      '::',
      '::1',
      '::ffff:127.0.0.1',
      '::ffff:0.0.0.0',
    ]
    expect(all.every(meansLoopback)).toBe(true)
    expect(['localhost.evil.example', 'evillocalhost', '10.0.0.1', 'public.example'].some(meansLoopback)).toBe(false)
    expect(isLocalhostName('notlocalhost')).toBe(false)
  })
})

function toDotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
}
