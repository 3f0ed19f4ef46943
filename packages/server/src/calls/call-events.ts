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

/** What {@link CallEvents} keeps, and whom it tells. */
export interface CallEventsOptions extends CallEventsLimits {
  /** Nobody came back in time, for the rest or although all was read. */
  onAbandoned: () => void
  /** Nobody reads at the moment. */
  onDetached?: (() => void) | undefined
}

/** Where the events of a stream go. */
export interface EventReader {
  /** Whether so much waits to be read that nothing more may be written. */
  readonly congested: boolean
  write(text: string): void
  end(): void
  /** Calls back each time it is not congested any more. */
  onDrain(listener: () => void): void
}

/** The name of an event. */
export type CallEventName = 'call' | 'progress' | 'chunk' | 'answer'

interface KeptEvent {
  id: number
  text: string
}

/**
 * The events of one call as text of server-sent events, for one reader at a time, which may come back. What a reader does
 * not read waits here and nowhere else: one that falls back behind what is kept is ended, as if its connection were lost.
 */
export class CallEvents {
  readonly #maxEvents: number
  readonly #maxChars: number
  readonly #keepMs: number
  readonly #onAbandoned: () => void
  readonly #onDetached: () => void
  #kept: KeptEvent[] = []
  #chars = 0
  #lastId = 0
  #reader: EventReader | undefined
  /** The last event that was written to the reader. */
  #written = 0
  #ended = false
  #abandoning: ReturnType<typeof setTimeout> | undefined

  constructor({ onAbandoned, onDetached = () => {}, ...limits }: CallEventsOptions) {
    this.#onAbandoned = onAbandoned
    this.#onDetached = onDetached
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
    if (last) this.#ended = true
    this.#write()
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
    this.#written = afterId
    reader.onDrain(() => {
      if (this.#reader === reader) this.#write()
    })
    this.#write()
  }

  /** A reader's connection is gone; nothing happens when it is not the newest one. */
  detach(reader: EventReader): void {
    if (this.#reader !== reader) return
    this.#reader = undefined
    this.#abandoning = setTimeout(() => this.abandon(), this.#keepMs).unref()
    this.#onDetached()
  }

  /** How much is kept, in characters. */
  get keptChars(): number {
    return this.#chars
  }

  /** Nothing is kept any more. */
  close(): void {
    clearTimeout(this.#abandoning)
    this.#ended = true
    this.#reader?.end()
    this.#reader = undefined
    this.#kept = []
    this.#chars = 0
  }

  /** Nobody came back, or what is kept is needed for others. */
  abandon(): void {
    clearTimeout(this.#abandoning)
    this.#onAbandoned()
  }

  /** Writes as much as the reader takes. */
  #write(): void {
    const reader = this.#reader
    if (!reader) return
    const [oldest] = this.#kept
    if (oldest && oldest.id > this.#written + 1) {
      reader.end()
      this.detach(reader)
      return
    }
    for (const { id, text } of this.#kept) {
      if (id <= this.#written) continue
      if (reader.congested) return
      reader.write(text)
      this.#written = id
    }
    if (this.#ended) reader.end()
  }
}
