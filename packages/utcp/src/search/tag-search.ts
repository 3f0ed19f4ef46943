import * as z from 'zod'
import type { PluginType } from '../config/plugin-type.ts'
import { UtcpError } from '../errors/utcp-error.ts'
import { shapeCheck } from '../model/check-shape.ts'
import type { Tool } from '../model/models.ts'
import type { ConcurrentToolRepository } from '../repository/tool-repository.ts'
import { SearchIndex } from './search-index.ts'
import { TagIndex } from './tag-index.ts'
import type { ToolSearchStrategy } from './tool-search-strategy.ts'
import { TopK } from './top-k.ts'

/** How much a hit counts. */
export interface TagSearchOptions {
  /** For each word of a tool's description that is in the query. @default 1 */
  readonly description_weight?: number
  /** For each tag of a tool that is in the query, or has a word in common with it. @default 3 */
  readonly tag_weight?: number
}

/**
 * `tag_and_description_word_match`. A tool's score: `tag_weight` for each tag that is a part of the query's text or else
 * has a word that is a word of the query, and `description_weight` for each different word of the description, longer
 * than two characters, that is a word of the query; nothing depends on the case of letters. Best first; tools of the same
 * score in the order of the repository, those without any hit at the end.
 */
export class TagAndDescriptionWordMatchStrategy implements ToolSearchStrategy {
  readonly #descriptionWeight: number
  /** By number of tags, added one by one as the rule says, so that roundings are the same. */
  readonly #tagScores: number[] = [0]
  readonly #tagWeight: number
  readonly #indexes = new WeakMap<ConcurrentToolRepository, SearchIndex<TagIndex>>()

  constructor({ description_weight = 1, tag_weight = 3 }: TagSearchOptions = {}) {
    this.#descriptionWeight = description_weight
    this.#tagWeight = tag_weight
  }

  async searchTools(
    repository: ConcurrentToolRepository,
    query: string,
    limit: number,
    anyOfTagsRequired: readonly string[] = [],
  ): Promise<readonly Tool[]> {
    checkLimit(limit)
    let search = this.#indexes.get(repository)
    if (search === undefined) {
      search = new SearchIndex(() => new TagIndex())
      this.#indexes.set(repository, search)
    }
    const indexed = await search.sync(repository)
    const { index, end } = indexed
    const documents = this.#rank(index, end, query, limit === 0 ? end : limit, anyOfTagsRequired)
    return toolsOf(repository, indexed, documents)
  }

  #rank(index: TagIndex, end: number, query: string, limit: number, tags: readonly string[]): number[] {
    const only = tags.length > 0 ? index.withAnyTag(tags) : undefined
    const top = new TopK(limit)
    index.offerHits(query, this.#scoreOf, top, only === undefined ? undefined : new Set(only))
    const best = top.best()
    if (best.length < limit) fill(best, limit, index, only ?? end)
    return best
  }

  readonly #scoreOf = (tags: number, words: number): number => {
    let score = this.#tagScore(tags)
    for (let count = words; count > 0; count -= 1) score += this.#descriptionWeight
    return score
  }

  #tagScore(count: number): number {
    while (this.#tagScores.length <= count) this.#tagScores.push((this.#tagScores.at(-1) ?? 0) + this.#tagWeight)
    return this.#tagScores[count] as number
  }
}

/** Tools without a hit follow in their order; all others are among the best already when there is room. */
function fill(best: number[], limit: number, index: TagIndex, candidates: Uint32Array | number): void {
  const found = new Set(best)
  const count = typeof candidates === 'number' ? candidates : candidates.length
  for (let each = 0; each < count && best.length < limit; each += 1) {
    const document = typeof candidates === 'number' ? each : (candidates[each] as number)
    if (index.isAlive(document) && !found.has(document)) best.push(document)
  }
}

/** {@link TagAndDescriptionWordMatchStrategy} for configurations. */
export const tagSearchType: PluginType<ToolSearchStrategy> = {
  type: 'tag_and_description_word_match',
  create: (config, { path }) => {
    const weight = z.number().nonnegative().optional()
    const members = shapeCheck({ description_weight: weight, tag_weight: weight })
    return new TagAndDescriptionWordMatchStrategy(members.check(config, path, 'invalid_config') as TagSearchOptions)
  },
}

/** @throws UtcpError `invalid_arguments` */
export function checkLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 0) return
  throw new UtcpError('invalid_arguments', `limit must be a whole number from 0 (all), not ${limit}`, { path: 'limit' })
}

/** The tools of documents; one that was removed meanwhile is left out. */
export async function toolsOf(
  repository: ConcurrentToolRepository,
  indexed: { name(document: number): string | undefined },
  documents: readonly number[],
): Promise<readonly Tool[]> {
  const names = documents.map((document) => indexed.name(document) ?? '')
  const tools = await Promise.all(names.map((name) => repository.getTool(name)))
  return tools.filter((tool) => tool !== undefined)
}
