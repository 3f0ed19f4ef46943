import type { PluginType } from '../config/plugin-type.ts'
import { bm25Type } from './bm25-search.ts'
import { tagSearchType } from './tag-search.ts'
import type { ToolSearchStrategy } from './tool-search-strategy.ts'

/** The search strategies that every client knows. */
export const searchStrategyTypes: readonly PluginType<ToolSearchStrategy>[] = [tagSearchType, bm25Type]
