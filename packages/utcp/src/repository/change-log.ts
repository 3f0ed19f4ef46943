import type { ToolChanges } from './tool-repository.ts'

/** One change: of a whole manual, or of one tool that was removed from it. */
export interface Change {
  readonly manual: string
  readonly tool?: string | undefined
}

/** How many changes are remembered; an index that is further behind reads everything again. */
export const rememberedChanges = 10_000

/** Says together what a list of changes means for an index. */
export function sumChanges(revision: number, changes: Iterable<Change>): ToolChanges {
  const manuals = new Set<string>()
  const removed: Change[] = []
  for (const change of changes) {
    if (change.tool === undefined) manuals.add(change.manual)
    else removed.push(change)
  }
  const removedTools = removed.filter(({ manual }) => !manuals.has(manual)).map(({ tool }) => tool as string)
  return { revision, manuals: [...manuals], removedTools }
}
