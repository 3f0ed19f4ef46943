import { setTimeout as wait } from 'node:timers/promises'
import type { Line } from './shop.ts'

/** Where orders are packed: slow, and far away. */
export interface Warehouse {
  /** Fetches a line of an order from its shelf; rejects when the signal aborts. */
  pick(line: Line, signal: AbortSignal): Promise<void>
}

/** A warehouse that takes its time for each line. */
export function createWarehouse({ pickMs = 400 }: { pickMs?: number } = {}): Warehouse {
  return { pick: (_line, signal) => wait(pickMs, undefined, { signal }) }
}
