import { isAtpError } from '../errors/atp-error.ts'
import { toWireError, type WireError } from '../errors/to-wire-error.ts'
import type { ParsedToolCall, ToolCallResult } from '../providers/provider-format.ts'
import { callerCodes } from './caller-codes.ts'
import type { DoorCall, LlmDoor } from './llm-door.ts'

/** What the calls of a turn have in common. */
export interface RunToolCalls {
  door: LlmDoor
  options: Omit<DoorCall, 'toolkitId' | 'tool' | 'params'>
  sequential: boolean
  /** Where a call of that name goes; undefined when no toolkit has it. */
  route(name: string): Pick<DoorCall, 'toolkitId' | 'tool'> | undefined
}

/**
 * Runs an LLM's calls, together unless `sequential`. A call that fails is a result for the model.
 * @returns one result for each call, in order
 * @throws AtpError when no call can run at all, see `callerCodes`
 */
export async function runToolCalls(calls: readonly ParsedToolCall[], run: RunToolCalls): Promise<ToolCallResult[]> {
  if (!run.sequential) return Promise.all(calls.map((call) => runOne(call, run)))
  const results: ToolCallResult[] = []
  for (const call of calls) results.push(await runOne(call, run))
  return results
}

async function runOne(call: ParsedToolCall, { door, options, route }: RunToolCalls): Promise<ToolCallResult> {
  if (call.args === undefined) {
    return failed(call, 'invalid_params', call.error ?? 'The arguments of this call could not be read')
  }
  const target = route(call.name)
  if (!target) return failed(call, 'tool_not_found', `There is no tool "${call.name.slice(0, 80)}"`)
  try {
    const { toolkitId, tool } = target
    const result = await door.call({ ...options, toolkitId, tool, params: call.args })
    return { call, outcome: { ok: true, result } }
  } catch (error) {
    if (!isAtpError(error) || callerCodes.has(error.code)) throw error
    return { call, outcome: { ok: false, error: toWireError(error) } }
  }
}

function failed(call: ParsedToolCall, code: WireError['code'], message: string): ToolCallResult {
  return { call, outcome: { ok: false, error: { code, message, retryable: false } } }
}
