import { AtpError, isAtpError, type ParsedToolCall, type ToolCallResult, toWireError } from '@atp/core'
import type { Approval, Approve } from './approval.ts'
import type { ChatView, ShownCall, ShownOutcome } from './chat-view.ts'
import type { MergedContext, RoutedTool } from './merge-contexts.ts'
import type { Toolbox } from './toolbox.ts'

/** What runs the calls of a turn. */
export interface CallRunner {
  toolbox: Toolbox
  context: MergedContext
  approve: Approve
  view: ChatView
  signal: AbortSignal
  /** Numbers the calls of a chat. */
  nextNumber(): number
}

/** The results of a turn's calls, one for each, in order. */
export interface CallResults {
  results: ToolCallResult[]
  /** What no call could have run with: the exchange cannot go on. */
  fatal: AtpError | undefined
}

type Outcome = ToolCallResult['outcome']
type Decided = { call: ParsedToolCall; shown: ShownCall } & (
  | { run: RoutedTool }
  | { outcome: Outcome; declined: boolean }
)

/**
 * Asks about the calls that need it, one after the other, then runs all that may run together. Every call gets a
 * result, also after an abort: a conversation with a call left open is refused by every provider.
 */
export async function runCalls(calls: readonly ParsedToolCall[], runner: CallRunner): Promise<CallResults> {
  const decided: Decided[] = []
  for (const call of calls) decided.push(await decide(call, runner))
  let fatal: AtpError | undefined
  const results = await Promise.all(
    decided.map(async (each): Promise<ToolCallResult> => {
      if (!('run' in each)) return { call: each.call, outcome: each.outcome }
      const begun = performance.now()
      const outcome = await runOne(each.run, each.call, runner, (error) => {
        fatal ??= error
      })
      const durationMs = Math.round(performance.now() - begun)
      runner.view.callEnded(each.shown, { ...outcome, durationMs, declined: false })
      return { call: each.call, outcome }
    }),
  )
  return { results, fatal }
}

/** The results of calls that are not run at all. */
export function refuseCalls(calls: readonly ParsedToolCall[], message: string): ToolCallResult[] {
  return calls.map((call) => ({ call, outcome: refused(message) }))
}

async function decide(call: ParsedToolCall, runner: CallRunner): Promise<Decided> {
  const { context, view, signal } = runner
  // Only names out of the context: a tool by any other name would get past the question.
  const tool = context.routes.get(call.name)
  const shown: ShownCall = {
    number: runner.nextNumber(),
    id: call.id,
    toolkit: tool?.toolkitName,
    tool: tool?.tool ?? call.name,
    args: call.args,
  }
  const end = (outcome: Outcome, declined = false): Decided => {
    view.callStarted(shown)
    view.callEnded(shown, { ...outcome, durationMs: 0, declined } satisfies ShownOutcome)
    return { call, shown, outcome, declined }
  }
  if (signal.aborted) return end(refused(interruptedText))
  if (call.args === undefined) return end(failed('invalid_params', call.error ?? 'The arguments could not be read'))
  if (tool === undefined) return end(failed('tool_not_found', `There is no tool "${call.name.slice(0, 80)}"`))
  const approval = await runner.approve(tool, shown, signal)
  if (signal.aborted) return end(refused(interruptedText))
  if (approval !== 'run') return end(refused(refusals[approval]), true)
  view.callStarted(shown)
  return { call, shown, run: tool }
}

const interruptedText = 'The user interrupted before this call had a result'

const refusals: Record<Exclude<Approval, 'run'>, string> = {
  declined: 'The user declined this call; it was not run',
  unasked: 'This tool is marked destructive and nobody is there to allow it; it was not run',
}

async function runOne(
  tool: RoutedTool,
  call: ParsedToolCall,
  { toolbox, signal }: CallRunner,
  onFatal: (error: AtpError) => void,
): Promise<Outcome> {
  try {
    return { ok: true, result: await toolbox.run(tool, call, signal) }
  } catch (error) {
    if (signal.aborted) return refused(interruptedText)
    if (!isAtpError(error)) throw error
    if (fatalCodes.has(error.code)) onFatal(error)
    return { ok: false, error: toWireError(error) }
  }
}

/** What lies between the chat and its server rather than in one call: the model cannot do anything about it. */
const fatalCodes: ReadonlySet<string> = new Set([
  'unauthorized',
  'forbidden',
  'connection_failed',
  'connection_closed',
  'client_stopped',
  'protocol_error',
])

function refused(message: string): Outcome {
  return failed('cancelled', message)
}

function failed(code: 'cancelled' | 'invalid_params' | 'tool_not_found', message: string): Outcome {
  return { ok: false, error: toWireError(new AtpError(code, message)) }
}
