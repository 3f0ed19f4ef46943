import type { Tool } from '../model/models.ts'
import type { ConcurrentToolRepository } from '../repository/tool-repository.ts'

/** Finds the tools that fit a text. */
export interface ToolSearchStrategy {
  /**
   * Returns the best tools, best first.
   * @param limit the most to return; 0 for all
   * @param anyOfTagsRequired only tools with at least one of these tags, in any case of letters; none or empty: all tools
   * @throws UtcpError `invalid_arguments` for a limit that is negative or no whole number
   */
  searchTools(
    repository: ConcurrentToolRepository,
    query: string,
    limit: number,
    anyOfTagsRequired?: readonly string[],
  ): Promise<readonly Tool[]>
}
