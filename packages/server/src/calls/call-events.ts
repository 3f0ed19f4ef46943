import { AtpError } from '@atp/core'

/** What is kept of a stream for a caller that lost its connection (rule T9). */
export interface CallEventsLimits {
  /** Events at most. @default 256 */
  maxEvents?: number | undefined
  /** What they may be together, in characters. @default 1_048_576 */
  maxChars?: number | undefined
  /** How long they are kept without a reader, in milliseconds. @default 30_000 */
  keepMs?: number | undefined
}

/** Where the events of a stream go. */
export interface EventReader {
  /** Whether so much waits to be read that progress is left out. */
  readonly congested: boolean
  write(text: string): void
  end(): void
}

/** The name of an event. */
export type CallEventName = 'call' | 'progress' | 'chunk' | 'answer'

interface KeptEvent {
  id: number
  text: string
}

/** The events of one call as text of server-sent events, for one reader at a time, which may come back. */
export class CallEvents {
  readonly #maxEvents: number
  readonly #maxChars: number
  readonly #keepMs: number
  readonly #onAbandoned: () => void
  #kept: KeptEvent[] = []
  #chars = 0
  #lastId = 0
  #reader: EventReader | undefined
  #ended = false
  #abandoning: ReturnType<typeof setTimeout> | undefined

  /** @param onAbandoned nobody came back in time; also when all was read, or the time after the last event is over */
  constructor(onAbandoned: () => void, limits: CallEventsLimits = {}) {
    this.#onAbandoned = onAbandoned
    this.#maxEvents = limits.maxEvents ?? 256
    this.#maxChars = limits.maxChars ?? 1_048_576
    this.#keepMs = limits.keepMs ?? 30_000
  }

  /** Adds an event. @param json its data, on one line; @param last nothing follows */
  push(name: CallEventName, json: string, last: boolean = false): void {
    if (this.#ended || (name === 'progress' && this.#reader?.congested)) return
    this.#lastId += 1
    const text = `id: ${this.#lastId}\nevent: ${name}\ndata: ${json}\n\n`
    this.#kept.push({ id: this.#lastId, text })
    this.#chars += text.length
    // The last one alone may be larger than the limit.
    while (this.#kept.length > 1 && (this.#kept.length > this.#maxEvents || this.#chars > this.#maxChars)) {
      this.#chars -= this.#kept.shift()?.text.length ?? 0
    }
    this.#reader?.write(text)
    if (!last) return
    this.#ended = true
    this.#reader?.end()
  }

  /**
   * Sends everything after an event to a reader, now and from now on. An earlier reader hears no more.
   * @throws AtpError `gone` when some of it is not kept any more
   */
  attach(reader: EventReader, afterId: number): void {
    const oldest = this.#kept[0]?.id ?? this.#lastId + 1
    if (afterId + 1 < oldest || afterId > this.#lastId) {
      throw new AtpError('gone', 'Events after that one are not kept any more; ask for the call itself')
    }
    const earlier = this.#reader
    this.#reader = undefined
    earlier?.end()
    clearTimeout(this.#abandoning)
    this.#reader = reader
    for (const { id, text } of this.#kept) if (id > afterId) reader.write(text)
    if (this.#ended) reader.end()
  }

  /** A reader's connection is gone; nothing happens when it is not the newest one. */
  detach(reader: EventReader): void {
    if (this.#reader !== reader) return
    this.#reader = undefined
    this.#abandoning = setTimeout(this.#onAbandoned, this.#keepMs).unref()
  }

  /** Nothing is kept any more. */
  close(): void {
    clearTimeout(this.#abandoning)
    this.#ended = true
    this.#reader?.end()
    this.#kept = []
  }
}
