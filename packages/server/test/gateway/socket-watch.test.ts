import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { PeerSocket } from '../../src/gateway/peer-socket.ts'
import { SocketWatch } from '../../src/gateway/socket-watch.ts'
import { defaultLimits } from '../../src/limits.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function fakeSocket() {
  const socket = {
    lastSeen: performance.now(),
    mayBeSilentUntil: 0,
    congested: false,
    congestedSince: undefined,
    ping: vi.fn(),
    terminate: vi.fn(),
  }
  return { socket, peer: socket as unknown as PeerSocket }
}

it('pings every 25 s, give or take a fifth', async () => {
  const watch = new SocketWatch(defaultLimits)
  const { socket, peer } = fakeSocket()
  watch.add(peer)
  await vi.advanceTimersByTimeAsync(19_000)
  expect(socket.ping).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(12_000)
  expect(socket.ping).toHaveBeenCalledOnce()
  watch.stop()
})

it('ends a socket that showed no sign of life for 60 s, and no other', async () => {
  const watch = new SocketWatch(defaultLimits)
  const [silent, alive] = [fakeSocket(), fakeSocket()]
  watch.add(silent.peer)
  watch.add(alive.peer)
  for (let second = 0; second < 59; second += 1) {
    await vi.advanceTimersByTimeAsync(1_000)
    alive.socket.lastSeen = performance.now()
  }
  expect(silent.socket.terminate).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(2_000)
  expect(silent.socket.terminate).toHaveBeenCalled()
  expect(alive.socket.terminate).not.toHaveBeenCalled()
  watch.stop()
})

it('lets a socket be silent for as long as its gateway expects it', async () => {
  const watch = new SocketWatch(defaultLimits)
  const { socket, peer } = fakeSocket()
  watch.add(peer)
  socket.mayBeSilentUntil = performance.now() + 100_000
  await vi.advanceTimersByTimeAsync(99_000)
  expect(socket.terminate).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(2_000)
  expect(socket.terminate).toHaveBeenCalled()
  watch.stop()
})

it('ends a socket that stays congested for 30 s, but not one that catches up', async () => {
  const watch = new SocketWatch(defaultLimits)
  const { socket, peer } = fakeSocket()
  watch.add(peer)
  const live = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      await vi.advanceTimersByTimeAsync(1_000)
      socket.lastSeen = performance.now()
    }
  }
  socket.congested = true
  await live(29)
  socket.congested = false
  await live(1)
  socket.congested = true
  await live(29)
  expect(socket.terminate).not.toHaveBeenCalled()
  await live(4)
  expect(socket.terminate).toHaveBeenCalled()
  watch.stop()
})

it('lets a socket be congested for as long as its gateway expects it to read nothing', async () => {
  const watch = new SocketWatch(defaultLimits)
  const { socket, peer } = fakeSocket()
  watch.add(peer)
  socket.congested = true
  socket.mayBeSilentUntil = performance.now() + 50_000
  await vi.advanceTimersByTimeAsync(49_000)
  expect(socket.terminate).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(2_000)
  expect(socket.terminate).toHaveBeenCalled()
  watch.stop()
})

it('leaves no timer behind', () => {
  const watch = new SocketWatch(defaultLimits)
  watch.stop()
  expect(vi.getTimerCount()).toBe(0)
})
