import type { CallTemplate, Tool, UtcpManual } from '../model/models.ts'

/** What became of a repository since an earlier revision. */
export interface ToolChanges {
  /** The number of the last change. */
  readonly revision: number
  /**
   * Manuals that were saved or removed; some may not be there any more. Undefined when that is not known (any more):
   * then everything has to be read.
   */
  readonly manuals: readonly string[] | undefined
  /** Tools that were removed alone, from manuals that are not listed. */
  readonly removedTools: readonly string[]
}

/**
 * Keeps manuals and their tools. Every method may run at the same time as any other and sees each change as a whole.
 * What is returned is frozen, or the caller's own. Absence is `undefined`.
 */
export interface ConcurrentToolRepository {
  /** Keeps a manual under its template's name in place of an earlier one, which also moves it to the end. */
  saveManual(manualCallTemplate: CallTemplate, manual: UtcpManual): Promise<void>
  /** Returns whether it was there. */
  removeManual(manualName: string): Promise<boolean>
  /** Returns whether it was there. Its manual no longer lists it either. */
  removeTool(toolName: string): Promise<boolean>
  getTool(toolName: string): Promise<Tool | undefined>
  /** All tools: manuals in the order in which they were saved last, tools in the order of their manual. */
  getTools(): Promise<readonly Tool[]>
  getToolsByManual(manualName: string): Promise<readonly Tool[] | undefined>
  getManual(manualName: string): Promise<UtcpManual | undefined>
  getManuals(): Promise<readonly UtcpManual[]>
  getManualCallTemplate(manualName: string): Promise<CallTemplate | undefined>
  getManualCallTemplates(): Promise<readonly CallTemplate[]>
  /**
   * What changed, for indexes.
   * @param since what an earlier answer gave as its revision
   */
  getChanges(since?: number): Promise<ToolChanges>
  /** Ends what a repository holds open. */
  close?(): Promise<void>
}
