import { AtpError } from '@atp/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { KeyGuard } from '../../src/gateway/key-guard.ts'
import type { PeerSocket } from '../../src/gateway/peer-socket.ts'
import { SocketAdmission } from '../../src/gateway/socket-admission.ts'
import type { SocketRoute } from '../../src/gateway/socket-route.ts'
import { defaultLimits, type ServerLimits } from '../../src/limits.ts'
import type { StoredKey } from '../../src/store/store.ts'
import { makeCall } from '../support/make-call.ts'

const dayMs = 86_400_000
const key = makeCall().call.key
const route = { kind: 'llm', maxSocketsPerKey: 2 } as SocketRoute
let live: boolean

beforeEach(() => {
  vi.useFakeTimers()
  live = true
})
afterEach(() => {
  vi.useRealTimers()
})

function admission(limits: Partial<ServerLimits> = {}): SocketAdmission {
  const keys = { authenticate: async () => key, isLive: async () => live }
  const keyGuard = new KeyGuard({ keys, failedKeysPerMinute: 10 })
  return new SocketAdmission({ keys, keyGuard, limits: { ...defaultLimits, ...limits } })
}

function fakePeer() {
  const listeners: (() => void)[] = []
  const close = vi.fn()
  const peer = { close, onClose: (listener: () => void) => listeners.push(listener) } as unknown as PeerSocket
  const end = (): void => {
    for (const listener of listeners) listener()
  }
  return { peer, close, end }
}

const expiring = (inMs: number): StoredKey => ({ ...key, expiresAt: Date.now() + inMs })

describe('a socket', () => {
  it.each([1_000, dayMs, 30 * dayMs, 400 * dayMs])('is closed when its key expires in %d ms', async (inMs) => {
    const { peer, close } = fakePeer()
    await admission().enter(peer, expiring(inMs), route)
    vi.advanceTimersByTime(inMs - 1)
    expect(close).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(close).toHaveBeenCalledExactlyOnceWith(4401, 'the key expired')
  })

  it('is closed within the hour when the clock is set to after the end of its key', async () => {
    const { peer, close } = fakePeer()
    await admission().enter(peer, expiring(400 * dayMs), route)
    vi.setSystemTime(Date.now() + 500 * dayMs)
    vi.advanceTimersByTime(3_600_000)
    expect(close).toHaveBeenCalledOnce()
  })

  it('leaves no timer behind', async () => {
    const { peer, end } = fakePeer()
    await admission().enter(peer, expiring(dayMs), route)
    end()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is refused when its key was revoked while it was let in', async () => {
    live = false
    await expect(admission().enter(fakePeer().peer, key, route)).rejects.toMatchObject({ code: 'unauthorized' })
  })

  it('is closed with all others of its key when that is revoked, and no other is', async () => {
    const sockets = admission()
    const [first, second, other, gone] = [fakePeer(), fakePeer(), fakePeer(), fakePeer()]
    await sockets.enter(gone.peer, key, route)
    gone.end()
    await sockets.enter(first.peer, key, route)
    await sockets.enter(second.peer, key, route)
    await sockets.enter(other.peer, { ...key, id: 'another' }, route)
    sockets.closeKey(key.id)
    expect([first, second, other, gone].map(({ close }) => close.mock.calls.length)).toEqual([1, 1, 0, 0])
  })
})

describe('handshakes without a key', () => {
  const codeOf = (enter: () => unknown): string => {
    try {
      enter()
      return 'let in'
    } catch (error) {
      return (error as AtpError).code
    }
  }

  it('are so many for an address in ten seconds, and cannot use up those of others or of keys', () => {
    const sockets = admission({ keylessConnectsPerAddressPer10s: 3, connectsPerSecond: 4 })
    const codes = Array.from({ length: 5 }, () => codeOf(() => sockets.enterWithoutKey('a')()))
    expect(codes).toEqual(['let in', 'let in', 'let in', 'rate_limited', 'rate_limited'])
    expect(codeOf(() => sockets.enterWithoutKey('b')())).toBe('let in')
    expect(codeOf(() => sockets.enterWithoutKey('c')())).toBe('rate_limited')
    for (let i = 0; i < 4; i += 1) expect(codeOf(() => sockets.countConnect())).toBe('let in')
    expect(codeOf(() => sockets.countConnect())).toBe('rate_limited')
    vi.advanceTimersByTime(10_000)
    expect(codeOf(() => sockets.enterWithoutKey('a')())).toBe('let in')
  })
})

it('refuses a key with too many sockets or connects', async () => {
  const sockets = admission({ connectsPerKeyPer10s: 3 })
  const knock = (): Promise<unknown> => sockets.authenticate('text', route, 'a')
  await sockets.enter(fakePeer().peer, key, route)
  const second = fakePeer()
  await sockets.enter(second.peer, key, route)
  await expect(sockets.enter(fakePeer().peer, key, route)).rejects.toBeInstanceOf(AtpError)
  await expect(knock()).rejects.toMatchObject({ code: 'rate_limited', message: /2 open sockets/ })
  second.end()
  await expect(knock()).resolves.toBe(key)
  await expect(knock()).resolves.toBe(key)
  await expect(knock()).rejects.toMatchObject({ code: 'rate_limited', message: /too often/ })
})
