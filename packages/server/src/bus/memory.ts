import type { Logger } from '@atp/core'
import type { BusMessages, MessageBus } from './message-bus.ts'

type Handler = (message: never) => void

/** The bus of a server that runs alone: handlers are called before `publish` resolves. */
export function createMemoryBus(logger: Logger): MessageBus {
  const handlers = new Map<keyof BusMessages, Set<Handler>>()
  return {
    async publish(topic, message) {
      for (const handler of handlers.get(topic) ?? []) {
        try {
          handler(message as never)
        } catch (error) {
          logger.error('bus.handler_failed', { topic, error: String(error) })
        }
      }
    },
    async subscribe(topic, handler) {
      const subscribed = handlers.get(topic) ?? new Set()
      handlers.set(topic, subscribed)
      // A wrapper of its own: the same function may subscribe twice.
      const entry: Handler = (message) => handler(message)
      subscribed.add(entry)
      return () => subscribed.delete(entry)
    },
    async close() {
      handlers.clear()
    },
  }
}
