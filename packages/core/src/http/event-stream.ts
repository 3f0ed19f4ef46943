/** How often an idle stream says that it is alive (rule T9), in milliseconds. */
export const heartbeatMs = 15_000

/** How far a reader may be behind, in characters, before progress, which nobody needs twice, is left out. */
const maxWaitingLength = 1_048_576

/** The longest piece of progress, in characters of JSON. */
const maxProgressLength = 65_536

/** What an event of a call is called. */
export type EventName = 'chunk' | 'progress' | 'result' | 'error'

/**
 * The events of one call as the text of server-sent events (WHATWG HTML, 9.2), for one reader. When the reader stops
 * before the end, even while it waits, `onAbandon` is called. A comment is sent after {@link heartbeatMs} of silence.
 */
export class EventStream implements AsyncIterableIterator<string> {
  readonly #onAbandon: () => void
  readonly #waiting: string[] = []
  /** Answers the reader that waits. */
  #answer: ((result: IteratorResult<string, undefined>) => void) | undefined
  #heartbeat: ReturnType<typeof setTimeout> | undefined
  /** Continue whoever waits until all events are taken. */
  readonly #whenTaken: (() => void)[] = []
  #waitingLength = 0
  #lastId = 0
  #ended = false

  constructor(onAbandon: () => void) {
    this.#onAbandon = onAbandon
  }

  /** Adds an event; resolves once the reader asks for more, or is gone. */
  send(name: EventName, json: string): Promise<void> {
    if (this.#ended) return Promise.resolve()
    if (name === 'progress' && (json.length > maxProgressLength || this.#waitingLength > maxWaitingLength)) {
      return Promise.resolve()
    }
    this.#lastId += 1
    // JSON text has no line breaks, so one data line holds it.
    const event = `id: ${this.#lastId}\nevent: ${name}\ndata: ${json}\n\n`
    this.#waiting.push(event)
    this.#waitingLength += event.length
    this.#flush()
    return new Promise((resolve) => this.#whenTaken.push(resolve))
  }

  /** No more events: the reader ends after those that wait, and nobody waits for the reader. */
  end(): void {
    this.#ended = true
    this.#goOn()
    this.#flush()
  }

  next(): Promise<IteratorResult<string, undefined>> {
    if (this.#waiting.length === 0) this.#goOn()
    return new Promise((resolve) => {
      this.#answer = resolve
      this.#heartbeat = setTimeout(() => this.#reply({ done: false, value: ': heartbeat\n\n' }), heartbeatMs)
      this.#flush()
    })
  }

  return(): Promise<IteratorResult<string, undefined>> {
    const abandoned = !this.#ended
    this.#ended = true
    this.#waiting.length = 0
    this.#goOn()
    this.#flush()
    if (abandoned) this.#onAbandon()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #goOn(): void {
    for (const resolve of this.#whenTaken.splice(0)) resolve()
  }

  #flush(): void {
    if (this.#waiting.length > 0) {
      if (!this.#answer) return
      this.#waitingLength = 0
      this.#reply({ done: false, value: this.#waiting.splice(0).join('') })
    } else if (this.#ended) this.#reply({ done: true, value: undefined })
  }

  #reply(result: IteratorResult<string, undefined>): void {
    const answer = this.#answer
    this.#answer = undefined
    clearTimeout(this.#heartbeat)
    answer?.(result)
  }
}
