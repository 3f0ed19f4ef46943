import { isObject } from '../model/copy-json.ts'
import type { Tool } from '../model/models.ts'
import type { DocumentIndex } from './search-index.ts'
import { termsOf } from './terms.ts'

/** How much a term counts by where it is. */
export interface FieldWeights {
  readonly name: number
  readonly description: number
  readonly tags: number
  readonly parameters: number
}

interface Posting {
  readonly documents: number[]
  /** Weighted frequency of the term in each document. */
  readonly frequencies: number[]
  /** How many of the documents are still there. */
  alive: number
}

/** Which tools have which terms in their name, description, tags and parameters' names; ranks them by BM25. */
export class Bm25Index implements DocumentIndex {
  readonly #weights: FieldWeights
  readonly #postings = new Map<string, Posting>()
  /** By document: its terms, or undefined when it was removed. */
  readonly #terms: (readonly string[] | undefined)[] = []
  /** By document: the weighted number of its terms. */
  readonly #lengths: number[] = []
  readonly #byTag = new Map<string, number[]>()
  #scores = new Float64Array(1_024)
  #count = 0
  #totalLength = 0

  constructor(weights: FieldWeights) {
    this.#weights = weights
  }

  add(document: number, tool: Tool): void {
    const frequencies = new Map<string, number>()
    const length = this.#countTerms(tool, frequencies)
    for (const [term, frequency] of frequencies) {
      const posting = this.#postings.get(term) ?? { documents: [], frequencies: [], alive: 0 }
      this.#postings.set(term, posting)
      posting.documents.push(document)
      posting.frequencies.push(frequency)
      posting.alive += 1
    }
    for (const tag of new Set(tool.tags.map((each) => each.toLowerCase()))) {
      const documents = this.#byTag.get(tag)
      if (documents === undefined) this.#byTag.set(tag, [document])
      else documents.push(document)
    }
    this.#terms[document] = [...frequencies.keys()]
    this.#lengths[document] = length
    this.#count += 1
    this.#totalLength += length
    if (document >= this.#scores.length)
      this.#scores = new Float64Array(Math.max(document + 1, this.#scores.length * 2))
  }

  remove(document: number): void {
    for (const term of this.#terms[document] ?? []) {
      const posting = this.#postings.get(term)
      if (posting !== undefined) posting.alive -= 1
    }
    this.#terms[document] = undefined
    this.#count -= 1
    this.#totalLength -= this.#lengths[document] ?? 0
  }

  /** The documents that have one of these tags, whatever the case of their letters. */
  withAnyTag(tags: readonly string[]): Set<number> {
    return new Set(tags.flatMap((tag) => this.#byTag.get(tag.toLowerCase()) ?? []))
  }

  /**
   * Calls back with each document that has a term of the query, and its score.
   * @param k1 how soon more of the same term stops counting
   * @param b how much long documents are held back, from 0 to 1
   */
  score(query: string, k1: number, b: number, onScore: (document: number, score: number) => void): void {
    const averageLength = this.#totalLength / Math.max(1, this.#count)
    const hit: number[] = []
    for (const term of new Set(termsOf(query))) {
      const posting = this.#postings.get(term)
      if (posting === undefined || posting.alive === 0) continue
      const rarity = Math.log(1 + (this.#count - posting.alive + 0.5) / (posting.alive + 0.5))
      for (let index = 0; index < posting.documents.length; index += 1) {
        const document = posting.documents[index] as number
        if (this.#terms[document] === undefined) continue
        const frequency = posting.frequencies[index] as number
        const norm = k1 * (1 - b + (b * (this.#lengths[document] as number)) / averageLength)
        if (this.#scores[document] === 0) hit.push(document)
        this.#scores[document] =
          (this.#scores[document] as number) + (rarity * frequency * (k1 + 1)) / (frequency + norm)
      }
    }
    for (const document of hit) {
      onScore(document, this.#scores[document] as number)
      this.#scores[document] = 0
    }
  }

  #countTerms(tool: Tool, frequencies: Map<string, number>): number {
    const { name, description, tags, parameters } = this.#weights
    let length = 0
    const count = (text: string, weight: number): void => {
      if (weight === 0) return
      for (const term of termsOf(text)) {
        frequencies.set(term, (frequencies.get(term) ?? 0) + weight)
        length += weight
      }
    }
    count(tool.name, name)
    count(tool.description, description)
    for (const tag of tool.tags) count(tag, tags)
    const { properties } = tool.inputs
    if (isObject(properties)) for (const parameter of Object.keys(properties)) count(parameter, parameters)
    return length
  }
}
