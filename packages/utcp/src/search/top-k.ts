/** Keeps the best documents: highest score first, among equals the one with the lowest number. */
export class TopK {
  readonly #limit: number
  /** A heap with the worst on top. */
  readonly #documents: number[] = []
  readonly #scores: number[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  offer(document: number, score: number): void {
    const size = this.#documents.length
    if (size < this.#limit) {
      this.#documents.push(document)
      this.#scores.push(score)
      this.#siftUp(size)
    } else if (this.#isWorse(0, document, score)) {
      this.#documents[0] = document
      this.#scores[0] = score
      this.#siftDown()
    }
  }

  /** The documents, best first. */
  best(): number[] {
    const order = this.#documents.map((document, index) => ({ document, score: this.#scores[index] as number }))
    order.sort((a, b) => b.score - a.score || a.document - b.document)
    return order.map(({ document }) => document)
  }

  #isWorse(index: number, document: number, score: number): boolean {
    const own = this.#scores[index] as number
    return own < score || (own === score && (this.#documents[index] as number) > document)
  }

  #siftUp(start: number): void {
    let index = start
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (this.#isWorse(parent, this.#documents[index] as number, this.#scores[index] as number)) return
      this.#swap(index, parent)
      index = parent
    }
  }

  #siftDown(): void {
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      if (left >= this.#documents.length) return
      const right = left + 1
      const isRightWorse =
        right < this.#documents.length &&
        this.#isWorse(right, this.#documents[left] as number, this.#scores[left] as number)
      const worst = isRightWorse ? right : left
      if (!this.#isWorse(worst, this.#documents[index] as number, this.#scores[index] as number)) return
      this.#swap(index, worst)
      index = worst
    }
  }

  #swap(a: number, b: number): void {
    const document = this.#documents[a] as number
    const score = this.#scores[a] as number
    this.#documents[a] = this.#documents[b] as number
    this.#scores[a] = this.#scores[b] as number
    this.#documents[b] = document
    this.#scores[b] = score
  }
}
