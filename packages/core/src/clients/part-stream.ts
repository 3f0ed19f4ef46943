import type { PartIterator } from './call-parts.ts'

/** The most that one call may have unread, in characters of JSON. */
export const maxUnreadLength: number = 4 * 1_048_576

/** What a part costs beside its JSON: a flood of empty ones takes memory too. */
const partOverhead = 64

/** What one of the calls of a stream has unread. */
export interface UnreadParts {
  length: number
  progressCount: number
}

interface Entry<Part> {
  part: Part
  length: number
  unread: UnreadParts
  isProgress: boolean
}

/**
 * The parts of calls for one reader, in the order they arrive. Nothing runs before the first part is asked for. When the
 * reader stops before the end, even while it waits, the signal that `run` was given aborts.
 */
export class PartStream<Part> implements PartIterator<Part> {
  readonly #run: (signal: AbortSignal) => Promise<void>
  #abort: AbortController | undefined
  /** Two stacks make a queue without moving what waits. */
  #incoming: Entry<Part>[] = []
  #outgoing: Entry<Part>[] = []
  readonly #readers: PromiseWithResolvers<IteratorResult<Part, undefined>>[] = []
  #failure: { error: unknown } | undefined
  #ended = false

  /** @param run adds the parts; the stream ends when it resolves, and fails after what waits when it rejects. */
  constructor(run: (signal: AbortSignal) => Promise<void>) {
    this.#run = run
  }

  /**
   * Adds a part. Progress is left out where its call has too much unread.
   * @returns false when a chunk does not fit any more: it was not added.
   */
  add(part: Part, unread: UnreadParts, kind: 'progress' | 'chunk' | 'result'): boolean {
    if (this.#ended) return true
    const reader = this.#readers.shift()
    if (reader) {
      reader.resolve({ done: false, value: part })
      return true
    }
    // Only what has to wait is measured.
    const length = kind === 'result' ? 0 : JSON.stringify(part).length + partOverhead
    if (unread.length + length > maxUnreadLength) this.#dropProgress(unread)
    if (unread.length + length > maxUnreadLength) return kind === 'progress'
    const isProgress = kind === 'progress'
    unread.length += length
    if (isProgress) unread.progressCount += 1
    this.#incoming.push({ part, length, unread, isProgress })
    return true
  }

  next(): Promise<IteratorResult<Part, undefined>> {
    if (!this.#abort && !this.#ended) this.#begin()
    const entry = this.#take()
    if (entry) return Promise.resolve({ done: false, value: entry.part })
    if (this.#failure) {
      const { error } = this.#failure
      this.#failure = undefined
      return Promise.reject(error)
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    const reader = Promise.withResolvers<IteratorResult<Part, undefined>>()
    this.#readers.push(reader)
    return reader.promise
  }

  return(): Promise<IteratorResult<Part, undefined>> {
    const wasUnderWay = !this.#ended
    this.#end(undefined)
    this.#incoming = []
    this.#outgoing = []
    this.#failure = undefined
    if (wasUnderWay) this.#abort?.abort('its reader stopped')
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #begin(): void {
    const abort = new AbortController()
    this.#abort = abort
    this.#run(abort.signal).then(
      () => this.#end(undefined),
      (error: unknown) => {
        this.#end({ error })
        // What else is under way has nobody who waits for it any more.
        abort.abort('another call failed')
      },
    )
  }

  #end(failure: { error: unknown } | undefined): void {
    if (this.#ended) return
    this.#ended = true
    this.#failure = failure
    for (const reader of this.#readers.splice(0)) this.next().then(reader.resolve, reader.reject)
  }

  #take(): Entry<Part> | undefined {
    if (this.#outgoing.length === 0) {
      this.#outgoing = this.#incoming.reverse()
      this.#incoming = []
    }
    const entry = this.#outgoing.pop()
    if (entry) forget(entry)
    return entry
  }

  #dropProgress(unread: UnreadParts): void {
    if (unread.progressCount === 0) return
    const stays = (entry: Entry<Part>): boolean => {
      const dropped = entry.isProgress && entry.unread === unread
      if (dropped) forget(entry)
      return !dropped
    }
    this.#incoming = this.#incoming.filter(stays)
    this.#outgoing = this.#outgoing.filter(stays)
  }
}

function forget({ unread, length, isProgress }: Entry<unknown>): void {
  unread.length -= length
  if (isProgress) unread.progressCount -= 1
}
