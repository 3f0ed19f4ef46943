import { AtpError } from '@atp/core'

/** What a {@link GroupCommit} writes with, and how much at once. */
export interface GroupCommitOptions<Item, Answer> {
  /** Writes a batch, all or nothing, and answers its items in their order. Never runs twice at once. */
  write: (items: readonly Item[]) => Promise<readonly Answer[]>
  /** The most items of a batch. @default 256 */
  maxItems?: number | undefined
  /** What an item adds to the weight of its batch. @default 0 for each */
  weigh?: ((item: Item) => number) | undefined
  /** How heavy a batch may get; a single item may be heavier. @default no limit */
  maxWeight?: number | undefined
  /** Runs an action once everything that is due in this turn of the event loop has run. @default `setImmediate` */
  afterTurn?: ((action: () => void) => void) | undefined
}

/**
 * Writes what comes while the previous write runs, and within one turn of the event loop, together: a commit waits for
 * the disk, and one commit for a hundred changes waits as long as one for a single change.
 */
export class GroupCommit<Item, Answer> {
  readonly #options: GroupCommitOptions<Item, Answer>
  readonly #maxItems: number
  readonly #maxWeight: number
  #waiting: Waiting<Item, Answer>[] = []
  /** Whether a batch is written, or will be after this turn. */
  #busy = false
  #closed = false
  #onSettled: (() => void)[] = []

  constructor(options: GroupCommitOptions<Item, Answer>) {
    this.#options = options
    this.#maxItems = options.maxItems ?? 256
    this.#maxWeight = options.maxWeight ?? Number.POSITIVE_INFINITY
  }

  /**
   * Writes an item, and gives its answer. Rejects with what the write of its batch rejects with.
   * @throws AtpError `server_shutting_down` after `close`
   */
  add(item: Item): Promise<Answer> {
    if (this.#closed) {
      return Promise.reject(new AtpError('server_shutting_down', 'The server stops: nothing more is written'))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      if (!this.#busy) this.#next()
    })
  }

  /** Resolves once nothing waits and nothing is being written. */
  settled(): Promise<void> {
    return this.#busy ? new Promise((resolve) => this.#onSettled.push(resolve)) : Promise.resolve()
  }

  /** Takes no more items, and resolves once all it took are written. Idempotent. */
  close(): Promise<void> {
    this.#closed = true
    return this.settled()
  }

  #next(): void {
    this.#busy = this.#waiting.length > 0
    if (this.#busy) {
      const { afterTurn = setImmediate } = this.#options
      afterTurn(() => void this.#write())
      return
    }
    const settled = this.#onSettled
    this.#onSettled = []
    for (const resolve of settled) resolve()
  }

  async #write(): Promise<void> {
    const batch = this.#takeBatch()
    try {
      const answers = await this.#options.write(batch.map(({ item }) => item))
      if (answers.length !== batch.length) throw new Error(`${answers.length} answers to ${batch.length} items`)
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index] as Answer)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
    this.#next()
  }

  #takeBatch(): Waiting<Item, Answer>[] {
    const { weigh = () => 0 } = this.#options
    let weight = 0
    let count = 0
    for (const { item } of this.#waiting.slice(0, this.#maxItems)) {
      weight += weigh(item)
      if (count > 0 && weight > this.#maxWeight) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }
}

/** An item and who waits for its answer. */
interface Waiting<Item, Answer> {
  item: Item
  resolve: (answer: Answer) => void
  reject: (error: unknown) => void
}
