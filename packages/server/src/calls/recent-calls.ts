import { AtpError } from '@atp/core'
import type { CallRecord } from '../store/store.ts'

/** Which of the ended calls somebody follows. */
export type FollowFilter = {
  [Member in 'toolkitId' | 'tool' | 'status' | 'delivery' | 'errorCode']?: CallRecord[Member] | undefined
}

/** How somebody follows. */
export interface FollowRequest {
  projectId: string
  filter: FollowFilter
  /** `cursor` of the answer before; without one it begins with the next call that ends. */
  cursor?: string | undefined
  /** At most so many calls at once. */
  limit: number
  /** How long to wait for the first one, in milliseconds. */
  waitMs: number
  /** Ends the waiting. */
  signal: AbortSignal
}

/** Calls in the order they ended. */
export interface FollowAnswer {
  calls: CallRecord[]
  cursor: string
  /** Whether calls may have ended since the answer before that are in no answer: too many, or the server restarted. */
  gap: boolean
}

/** How {@link RecentCalls} keeps calls. */
export interface RecentCallsOptions {
  /** Tells the calls of this server from those of the one before it. */
  instanceId: string
  /** @default 4_096 */
  capacity?: number
  /** How many may wait at once. @default 64 */
  maxWaiting?: number
  /** How long calls are gathered before those who wait hear of them, in milliseconds. @default 20 */
  gatherMs?: number
}

/**
 * The calls that ended last, in the order they ended, for those who watch. The call log cannot tell that order: it goes
 * by the time a call began, and one that runs long would end unseen.
 */
export class RecentCalls {
  readonly #instanceId: string
  readonly #capacity: number
  readonly #maxWaiting: number
  readonly #gatherMs: number
  /** A ring: the call with number n is at n modulo capacity. */
  readonly #ring: CallRecord[] = []
  /** The number of the next call. */
  #next = 0
  readonly #waiting = new Set<() => void>()
  #gathering: ReturnType<typeof setTimeout> | undefined
  #closed = false

  constructor({ instanceId, capacity = 4_096, maxWaiting = 64, gatherMs = 20 }: RecentCallsOptions) {
    this.#instanceId = instanceId
    this.#capacity = capacity
    this.#maxWaiting = maxWaiting
    this.#gatherMs = gatherMs
  }

  /** Notes an ended call. Runs for each call of the server. */
  add(call: CallRecord): void {
    this.#ring[this.#next % this.#capacity] = call
    this.#next += 1
    if (this.#waiting.size > 0) this.#gathering ??= setTimeout(() => this.#wake(), this.#gatherMs)
  }

  /**
   * What ended since an answer; waits for it when there is nothing yet.
   * @throws AtpError `invalid_request` for a cursor that is none, `busy` when too many wait
   */
  async follow(request: FollowRequest): Promise<FollowAnswer> {
    const { projectId, filter, limit, waitMs, signal } = request
    let { number, gap } = this.#start(request.cursor)
    const until = performance.now() + waitMs
    for (;;) {
      const oldest = Math.max(0, this.#next - this.#capacity)
      gap ||= number < oldest
      const calls: CallRecord[] = []
      for (number = Math.max(number, oldest); number < this.#next && calls.length < limit; number += 1) {
        const call = this.#ring[number % this.#capacity]
        if (call !== undefined && call.projectId === projectId && passes(call, filter)) calls.push(call)
      }
      const leftMs = until - performance.now()
      const waits = calls.length === 0 && !gap && leftMs > 0 && !this.#closed && !signal.aborted
      if (!waits) return { calls, cursor: `${this.#instanceId}.${number}`, gap }
      await this.#nextCall(leftMs, signal)
    }
  }

  /** Lets those who wait go, and nobody wait any more: the server stops. */
  close(): void {
    this.#closed = true
    this.#wake()
  }

  #start(cursor: string | undefined): { number: number; gap: boolean } {
    if (cursor === undefined) return { number: this.#next, gap: false }
    const dot = cursor.lastIndexOf('.')
    const digits = cursor.slice(dot + 1)
    if (dot < 1 || !/^\d{1,15}$/.test(digits)) {
      throw new AtpError(
        'invalid_request',
        'The cursor is none of this route: leave it out to begin with the next call',
      )
    }
    const number = Number(digits)
    // Everything this server has is newer than what the one before it told.
    if (cursor.slice(0, dot) !== this.#instanceId || number > this.#next) return { number: 0, gap: true }
    return { number, gap: false }
  }

  /** @throws AtpError `busy` */
  #nextCall(waitMs: number, signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#maxWaiting) {
      throw new AtpError('busy', `${this.#maxWaiting} requests wait for calls to end already`)
    }
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, waitMs)
      signal.addEventListener('abort', done)
      this.#waiting.add(done)
    })
  }

  #wake(): void {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    for (const done of [...this.#waiting]) done()
  }
}

function passes(call: CallRecord, { toolkitId, tool, status, delivery, errorCode }: FollowFilter): boolean {
  return (
    (toolkitId === undefined || call.toolkitId === toolkitId) &&
    (tool === undefined || call.tool === tool) &&
    (status === undefined || call.status === status) &&
    (delivery === undefined || call.delivery === delivery) &&
    (errorCode === undefined || call.errorCode === errorCode)
  )
}
