import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { addressGroup, createPeerAddress } from '../../src/gateway/peer-address.ts'

function request(remoteAddress: string | undefined, forwarded?: string): IncomingMessage {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage
}

describe('what counts as one address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:0DB8::2:1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['', ''],
  ])('%s is %s', (address, group) => {
    expect(addressGroup(address)).toBe(group)
  })
})

describe('the address of a request', () => {
  const direct = createPeerAddress([])
  const behind = createPeerAddress(['10.0.0.0/8', '192.0.2.7', 'fd00::/8'])

  it('is the remote one, whatever the peer claims', () => {
    expect(direct(request('192.0.2.1', '198.51.100.1'))).toBe('192.0.2.1')
    expect(behind(request('192.0.2.1', '198.51.100.1'))).toBe('192.0.2.1')
    expect(direct(request(undefined))).toBe('')
  })

  it('is the same over an IPv6 socket, and without the zone', () => {
    expect(direct(request('::ffff:192.0.2.1'))).toBe('192.0.2.1')
    expect(direct(request('fe80::1%eth0'))).toBe('fe80:0:0:0::/64')
  })

  it('is what trusted proxies say, up to the first address that is none of theirs', () => {
    expect(behind(request('10.1.2.3', '198.51.100.1'))).toBe('198.51.100.1')
    expect(behind(request('::ffff:10.1.2.3', '203.0.113.9, 198.51.100.1, 192.0.2.7'))).toBe('198.51.100.1')
    expect(behind(request('fd00::1', '2001:db8::5'))).toBe('2001:db8:0:0::/64')
  })

  it('is read without the port and the brackets that some proxies write', () => {
    expect(behind(request('10.1.2.3', '198.51.100.1:4711'))).toBe('198.51.100.1')
    expect(behind(request('10.1.2.3', '198.51.100.1, [fd00::2]:80'))).toBe('198.51.100.1')
    expect(behind(request('10.1.2.3', '[2001:db8::5]'))).toBe('2001:db8:0:0::/64')
  })

  it('is the last proxy where the header says nothing that can be read', () => {
    expect(behind(request('10.1.2.3'))).toBe('10.1.2.3')
    expect(behind(request('10.1.2.3', 'unknown'))).toBe('10.1.2.3')
    expect(behind(request('10.1.2.3', '198.51.100.1, 10.9.9.9, \r\n'))).toBe('10.1.2.3')
    expect(behind(request('10.1.2.3', '10.9.9.9'))).toBe('10.9.9.9')
  })
})

it.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0/8', 'proxy.example', '', '10.0.0.0/8/8', 'fd00::/129', '10.0.0.0/-1'])(
  'refuses %j as a trusted proxy',
  (text) => {
    expect(() => createPeerAddress([text])).toThrow(expect.objectContaining({ code: 'invalid_config' }))
  },
)
