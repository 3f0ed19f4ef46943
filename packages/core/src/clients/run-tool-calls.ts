import { type AtpError, isAtpError } from '../errors/atp-error.ts'
import { toWireError, type WireError } from '../errors/to-wire-error.ts'
import type { ParsedToolCall, ToolCallResult } from '../providers/provider-format.ts'
import { callerCodes } from './caller-codes.ts'
import type { DoorCall } from './llm-door.ts'

/** What the calls of a turn have in common. */
export interface RunToolCalls {
  options: Omit<DoorCall, 'toolkitId' | 'tool' | 'params'>
  sequential: boolean
  /** Where a call of that name goes; undefined when no toolkit has it. */
  route(name: string): Pick<DoorCall, 'toolkitId' | 'tool'> | undefined
  /** Runs one call, of that place in the list. What it rejects with ends the others, too. */
  run(call: DoorCall, index: number): Promise<ToolCallResult['outcome']>
  /** Is told of each result as it comes. */
  onResult?(result: ToolCallResult, index: number): void
}

/**
 * Runs an LLM's calls, together unless `sequential`. A call that fails is a result for the model.
 * @returns one result for each call, in order
 * @throws AtpError when no call can run at all, see `callerCodes`
 */
export async function runToolCalls(calls: readonly ParsedToolCall[], run: RunToolCalls): Promise<ToolCallResult[]> {
  const runOne = async (call: ParsedToolCall, index: number): Promise<ToolCallResult> => {
    const result = { call, outcome: await outcomeOf(call, index, calls.length, run) }
    run.onResult?.(result, index)
    return result
  }
  if (!run.sequential) return Promise.all(calls.map(runOne))
  const results: ToolCallResult[] = []
  for (const [index, call] of calls.entries()) results.push(await runOne(call, index))
  return results
}

/**
 * What became of a call, for the model.
 * @param onFailure takes every failure, so that none is thrown
 * @throws AtpError what no model can react to, see `callerCodes`
 */
export async function settle(
  running: Promise<unknown>,
  onFailure?: (error: AtpError) => void,
): Promise<ToolCallResult['outcome']> {
  try {
    return { ok: true, result: await running }
  } catch (error) {
    if (!isAtpError(error) || (!onFailure && callerCodes.has(error.code))) throw error
    onFailure?.(error)
    return { ok: false, error: toWireError(error) }
  }
}

async function outcomeOf(
  { name, args, error }: ParsedToolCall,
  index: number,
  count: number,
  { options, route, run }: RunToolCalls,
): Promise<ToolCallResult['outcome']> {
  if (args === undefined) return failed('invalid_params', error ?? 'The arguments of this call could not be read')
  const target = route(name)
  if (!target) return failed('tool_not_found', `There is no tool "${name.slice(0, 80)}"`)
  const { idempotencyKey: key } = options
  const idempotencyKey = key === undefined || count === 1 ? key : keyOfPlace(key, index)
  const { toolkitId, tool } = target
  return run({ ...options, idempotencyKey, toolkitId, tool, params: args }, index)
}

/** The idempotency key of one of several calls. */
export function keyOfPlace(key: string, index: number): string {
  return `${key}:${index}`
}

function failed(code: WireError['code'], message: string): ToolCallResult['outcome'] {
  return { ok: false, error: { code, message, retryable: false } }
}
