import type { Tool } from '../model/models.ts'
import type { DocumentIndex } from './search-index.ts'
import type { TopK } from './top-k.ts'
import { isLongWord, wordsOf } from './words.ts'

/** A tag as written by some tools, in lower case. */
interface TagEntry {
  readonly documents: number[]
  /** How often each document has it. */
  readonly counts: number[]
}

/** A step of a trie over all tags, by which all tags inside a query are found in one walk. */
interface TrieNode {
  readonly next: Map<number, TrieNode>
  tag: TagEntry | undefined
}

/** Makes a score of how many tags and how many words of the description a query hits. */
export type ScoreOf = (tags: number, words: number) => number

/** Counts of tags and of words share a number, so that a hit costs one access to memory: tags above, words below. */
const oneTag = 2 ** 26

/** Which tools have which tags and which words in their descriptions. */
export class TagIndex implements DocumentIndex {
  readonly #byTag = new Map<string, TagEntry>()
  readonly #byTagWord = new Map<string, TagEntry[]>()
  readonly #byWord = new Map<string, number[]>()
  readonly #trie: TrieNode = newNode()
  /** By document: whether it is still there. */
  #alive = new Uint8Array(1_024)
  /** By document: what the query at hand hits. Zero between queries. */
  #counts = new Float64Array(1_024)
  /** The documents with any hit, in no order. */
  #hit = new Uint32Array(1_024)

  add(document: number, tool: Tool): void {
    if (document >= this.#alive.length) this.#grow(document + 1)
    this.#alive[document] = 1
    for (const tag of tool.tags) {
      const entry = this.#entry(tag.toLowerCase())
      const last = entry.documents.length - 1
      if (entry.documents[last] === document) entry.counts[last] = (entry.counts[last] ?? 0) + 1
      else {
        entry.documents.push(document)
        entry.counts.push(1)
      }
    }
    for (const word of wordsOf(tool.description.toLowerCase())) {
      if (!isLongWord(word)) continue
      const documents = this.#byWord.get(word)
      if (documents === undefined) this.#byWord.set(word, [document])
      else documents.push(document)
    }
  }

  remove(document: number): void {
    this.#alive[document] = 0
  }

  isAlive(document: number): boolean {
    return this.#alive[document] === 1
  }

  /** The documents that have one of these tags, whatever the case of their letters; ascending. */
  withAnyTag(tags: readonly string[]): Uint32Array {
    const found = new Set<number>()
    for (const tag of tags) {
      for (const document of this.#byTag.get(tag.toLowerCase())?.documents ?? []) {
        if (this.#alive[document] === 1) found.add(document)
      }
    }
    return Uint32Array.from(found).sort()
  }

  /**
   * Offers each document that a query hits, with a score above zero.
   * @param allowed only these, unless undefined
   */
  offerHits(query: string, scoreOf: ScoreOf, top: TopK, allowed: ReadonlySet<number> | undefined): void {
    const hit = this.#hit
    const counts = this.#counts
    const count = this.#countHits(query)
    for (let index = 0; index < count; index += 1) {
      const document = hit[index] as number
      const both = counts[document] as number
      counts[document] = 0
      if (this.#alive[document] !== 1 || (allowed !== undefined && !allowed.has(document))) continue
      const tags = Math.floor(both / oneTag)
      const score = scoreOf(tags, both - tags * oneTag)
      if (score > 0) top.offer(document, score)
    }
  }

  /** Fills the counts and the list of documents that are hit, and returns how many there are. */
  #countHits(query: string): number {
    const lowerCase = query.toLowerCase()
    const words = wordsOf(lowerCase)
    let count = 0
    for (const { documents, counts } of this.#tagsIn(lowerCase, words)) {
      for (let index = 0; index < documents.length; index += 1) {
        count = this.#count(documents[index] as number, (counts[index] as number) * oneTag, count)
      }
    }
    for (const word of words) {
      const documents = this.#byWord.get(word) ?? []
      for (let index = 0; index < documents.length; index += 1)
        count = this.#count(documents[index] as number, 1, count)
    }
    return count
  }

  #count(document: number, more: number, count: number): number {
    const before = this.#counts[document] as number
    this.#counts[document] = before + more
    if (before !== 0) return count
    this.#hit[count] = document
    return count + 1
  }

  /** All tags that are inside the query, and those that share a word with it. */
  #tagsIn(query: string, words: ReadonlySet<string>): Set<TagEntry> {
    const found = new Set<TagEntry>()
    for (let start = 0; start <= query.length; start += 1) {
      let node: TrieNode | undefined = this.#trie
      for (let at = start; node !== undefined; at += 1) {
        if (node.tag !== undefined) found.add(node.tag)
        node = at < query.length ? node.next.get(query.charCodeAt(at)) : undefined
      }
    }
    for (const word of words) for (const tag of this.#byTagWord.get(word) ?? []) found.add(tag)
    return found
  }

  #entry(tag: string): TagEntry {
    const known = this.#byTag.get(tag)
    if (known !== undefined) return known
    const entry: TagEntry = { documents: [], counts: [] }
    this.#byTag.set(tag, entry)
    let node = this.#trie
    for (let at = 0; at < tag.length; at += 1) {
      const code = tag.charCodeAt(at)
      const next = node.next.get(code) ?? newNode()
      node.next.set(code, next)
      node = next
    }
    node.tag = entry
    for (const word of wordsOf(tag)) {
      const tags = this.#byTagWord.get(word)
      if (tags === undefined) this.#byTagWord.set(word, [entry])
      else tags.push(entry)
    }
    return entry
  }

  #grow(needed: number): void {
    const length = Math.max(needed, this.#alive.length * 2)
    const alive = new Uint8Array(length)
    alive.set(this.#alive)
    this.#alive = alive
    this.#counts = new Float64Array(length)
    this.#hit = new Uint32Array(length)
  }
}

function newNode(): TrieNode {
  return { next: new Map(), tag: undefined }
}
