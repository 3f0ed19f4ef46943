import * as z from 'zod'
import type { PluginType } from '../config/plugin-type.ts'
import { shapeCheck } from '../model/check-shape.ts'
import type { Tool } from '../model/models.ts'
import type { ConcurrentToolRepository } from '../repository/tool-repository.ts'
import { Bm25Index } from './bm25-index.ts'
import { SearchIndex } from './search-index.ts'
import { checkLimit, toolsOf } from './tag-search.ts'
import type { ToolSearchStrategy } from './tool-search-strategy.ts'
import { TopK } from './top-k.ts'

/** How {@link Bm25Strategy} ranks. */
export interface Bm25Options {
  /** How soon more of the same term stops counting. @default 1.2 */
  readonly k1?: number
  /** How much long descriptions are held back, from 0 to 1. @default 0.75 */
  readonly b?: number
  /** @default 2 */
  readonly name_weight?: number
  /** @default 1 */
  readonly description_weight?: number
  /** @default 1 */
  readonly tag_weight?: number
  /** @default 0.5 */
  readonly parameter_weight?: number
}

/**
 * `bm25`: ranks by how rare the words of the query are among the tools, over name, description, tags and parameters'
 * names. Knows common endings of English words. Only tools with a hit are found.
 */
export class Bm25Strategy implements ToolSearchStrategy {
  readonly #options: Required<Bm25Options>
  readonly #indexes = new WeakMap<ConcurrentToolRepository, SearchIndex<Bm25Index>>()

  constructor(options: Bm25Options = {}) {
    const { k1 = 1.2, b = 0.75, name_weight = 2, description_weight = 1, tag_weight = 1 } = options
    const { parameter_weight = 0.5 } = options
    this.#options = { k1, b, name_weight, description_weight, tag_weight, parameter_weight }
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
      search = new SearchIndex(() => this.#newIndex())
      this.#indexes.set(repository, search)
    }
    const indexed = await search.sync(repository)
    const { index, end } = indexed
    const allowed = anyOfTagsRequired.length > 0 ? index.withAnyTag(anyOfTagsRequired) : undefined
    const top = new TopK(limit === 0 ? end : limit)
    index.score(query, this.#options.k1, this.#options.b, (document, score) => {
      if (allowed === undefined || allowed.has(document)) top.offer(document, score)
    })
    return toolsOf(repository, indexed, top.best())
  }

  #newIndex(): Bm25Index {
    const { name_weight: name, description_weight: description, tag_weight: tags } = this.#options
    return new Bm25Index({ name, description, tags, parameters: this.#options.parameter_weight })
  }
}

/** {@link Bm25Strategy} for configurations. */
export const bm25Type: PluginType<ToolSearchStrategy> = {
  type: 'bm25',
  create: (config, { path }) => {
    const number = z.number().nonnegative().optional()
    const members = shapeCheck({
      ...{ k1: number, b: z.number().min(0).max(1).optional() },
      ...{ name_weight: number, description_weight: number, tag_weight: number, parameter_weight: number },
    })
    return new Bm25Strategy(members.check(config, path, 'invalid_config') as Bm25Options)
  },
}
