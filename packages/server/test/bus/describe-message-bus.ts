import { describe, expect, it, vi } from 'vitest'
import type { MessageBus } from '../../src/bus/message-bus.ts'

/** One test for each sentence of the interface; every implementation runs it. */
export function describeMessageBus(name: string, create: () => Promise<MessageBus>): void {
  describe(`the ${name} bus`, () => {
    it('brings a message to every subscriber of its topic, once, and to nobody else', async () => {
      const bus = await create()
      const [first, second, other] = [vi.fn(), vi.fn(), vi.fn()]
      await bus.subscribe('key.revoked', first)
      await bus.subscribe('key.revoked', second)
      await bus.subscribe('toolkit.changed', other)
      await bus.publish('key.revoked', { keyId: 'k1' })
      await vi.waitFor(() => expect(second).toHaveBeenCalledExactlyOnceWith({ keyId: 'k1' }))
      expect(first).toHaveBeenCalledExactlyOnceWith({ keyId: 'k1' })
      expect(other).not.toHaveBeenCalled()
      await bus.close()
    })

    it('calls a function that subscribed twice twice, and each unsubscribe ends one subscription only', async () => {
      const bus = await create()
      const handler = vi.fn()
      const end = await bus.subscribe('key.revoked', handler)
      await bus.subscribe('key.revoked', handler)
      await bus.publish('key.revoked', { keyId: 'k1' })
      await vi.waitFor(() => expect(handler).toHaveBeenCalledTimes(2))
      end()
      end()
      await bus.publish('key.revoked', { keyId: 'k2' })
      await vi.waitFor(() => expect(handler).toHaveBeenCalledTimes(3))
      await bus.close()
    })

    it('goes on when a handler throws', async () => {
      const bus = await create()
      const after = vi.fn()
      await bus.subscribe('key.revoked', () => {
        throw new Error('a bad handler')
      })
      await bus.subscribe('key.revoked', after)
      await bus.publish('key.revoked', { keyId: 'k1' })
      await vi.waitFor(() => expect(after).toHaveBeenCalledOnce())
      await bus.close()
    })

    it('delivers nothing after close, which may be called twice', async () => {
      const bus = await create()
      const handler = vi.fn()
      await bus.subscribe('key.revoked', handler)
      await bus.close()
      await bus.close()
      await bus.publish('key.revoked', { keyId: 'k1' }).catch(() => {})
      expect(handler).not.toHaveBeenCalled()
    })
  })
}
