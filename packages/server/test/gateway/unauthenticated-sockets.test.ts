import { expect, it } from 'vitest'
import { UnauthenticatedSockets } from '../../src/gateway/unauthenticated-sockets.ts'
import { defaultLimits } from '../../src/limits.ts'

function places(unauthenticatedSockets: number, unauthenticatedSocketsPerAddress: number): UnauthenticatedSockets {
  return new UnauthenticatedSockets({ ...defaultLimits, unauthenticatedSockets, unauthenticatedSocketsPerAddress })
}

const refused = expect.objectContaining({ code: 'rate_limited', details: { retryAfterMs: 5_000 } })

it('gives an address so many places, and others theirs', () => {
  const sockets = places(10, 2)
  sockets.enter('a')
  sockets.enter('a')
  expect(() => sockets.enter('a')).toThrow(refused)
  expect(() => sockets.enter('b')).not.toThrow()
})

it('gives so many places in total', () => {
  const sockets = places(3, 2)
  const leave = sockets.enter('a')
  sockets.enter('b')
  sockets.enter('c')
  expect(() => sockets.enter('d')).toThrow(refused)
  leave()
  expect(() => sockets.enter('d')).not.toThrow()
})

it('takes a place back once, however often it is given', () => {
  const sockets = places(2, 2)
  const leave = sockets.enter('a')
  sockets.enter('a')
  leave()
  leave()
  sockets.enter('a')
  expect(() => sockets.enter('a')).toThrow(refused)
})

it('keeps 64 places for an address and 1,024 in total unless told otherwise', () => {
  const { unauthenticatedSockets, unauthenticatedSocketsPerAddress } = defaultLimits
  expect({ unauthenticatedSockets, unauthenticatedSocketsPerAddress }).toEqual({
    unauthenticatedSockets: 1_024,
    unauthenticatedSocketsPerAddress: 64,
  })
})
