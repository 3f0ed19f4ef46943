import type { CallTemplate, Tool } from '../model/models.ts'
import type { UtcpCaller } from '../protocol/communication-protocol.ts'

/** Changes results on their way to the caller: each result, and each piece of a stream. */
export interface ToolPostProcessor {
  /**
   * Returns what goes on in place of `result`, which it must not change.
   * @param manualCallTemplate the template of the tool's manual; its `name` is the manual's
   */
  postProcess(
    caller: UtcpCaller,
    tool: Tool,
    manualCallTemplate: CallTemplate,
    result: unknown,
  ): unknown | Promise<unknown>
}
