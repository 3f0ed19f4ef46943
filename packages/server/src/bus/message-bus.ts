/** Carries facts between the parts of a server, and later between servers. Messages hold ids only (rule N4). */
export interface MessageBus {
  /** Resolves once handed to the bus. Delivery is at most once. */
  publish<T extends keyof BusMessages>(topic: T, message: BusMessages[T]): Promise<void>
  /** Returns an idempotent unsubscribe. A throwing handler never stops the others. */
  subscribe<T extends keyof BusMessages>(topic: T, handler: (message: BusMessages[T]) => void): Promise<() => void>
  /** Idempotent; nothing is delivered after it. */
  close(): Promise<void>
}

/** What is told on the bus. */
export interface BusMessages {
  /** A key may no longer be used. */
  'key.revoked': { keyId: string }
  /** The stored tools or description of a toolkit changed. */
  'toolkit.changed': { toolkitId: string }
}
