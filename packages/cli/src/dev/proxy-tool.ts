import { AtpError, type InvokeOutcome, isAtpError, type Tool, type ToolContext, type ToolDescriptor } from '@atp/core'
import type { AppEvent } from '@atp/core/protocol'
import { callMeta } from './call-meta.ts'
import type { CallObserver, ObservedCall, ObservedOutcome } from './call-observer.ts'
import type { ForwardedCall } from './messages.ts'
import type { ToolsGeneration } from './tools-generation.ts'

/** What proxies need of the command. */
export interface ProxyHost {
  /** The process that runs the calls which come now. */
  generation(): ToolsGeneration
  nextNumber(): number
  observer: CallObserver
}

/**
 * A tool that is run by the process of the tools which is current when a call comes. All of the check and the run
 * happen there, so that an error is the same as without this way round; also whether it is an app, which has sessions.
 */
export function proxyTool(toolkit: string, descriptor: ToolDescriptor, host: ProxyHost): Tool {
  const runs = (app: AppEvent | undefined): Tool => proxyOf(toolkit, descriptor, app, host)
  return { ...runs(undefined), app: { toolFor: runs } }
}

function proxyOf(toolkit: string, descriptor: ToolDescriptor, app: AppEvent | undefined, host: ProxyHost): Tool {
  const hasArguments = app === undefined || app.event === 'start'
  return {
    ...descriptor,
    // What a user did is no list of arguments.
    inputSchema: hasArguments ? descriptor.inputSchema : { type: 'object' },
    handler: (args: unknown, context: ToolContext) => {
      const { callId, authToken } = context
      const call = { callId, toolkit, tool: descriptor.name, args, authToken, app, meta: callMeta() }
      return forward(call, context, host)
    },
    tokenInArgs: false,
    validateInput: undefined,
    // Not the check of an output schema, which was made already, but the one place that may fail with any code.
    validateOutput: (outcome) => ({ ok: true, value: readOutcome(outcome as InvokeOutcome) }),
  }
}

async function* forward(
  forwarded: ForwardedCall,
  context: ToolContext,
  { generation, nextNumber, observer }: ProxyHost,
): AsyncGenerator<unknown, InvokeOutcome> {
  const call = observed(forwarded, nextNumber())
  const startedAt = performance.now()
  let ended = false
  const end = (outcome: ObservedOutcome): void => {
    if (!ended) observer.ended(call, outcome, performance.now() - startedAt)
    ended = true
  }
  observer.started(call)
  const ours = generation()
  const { id, running } = ours.start(forwarded, (value: unknown) => {
    if (ended) return
    observer.progressed(call, value)
    context.progress(value)
  })
  const { signal } = context
  const onAbort = (): void => {
    const reason: unknown = signal.reason
    const { code, message, cause } = isAtpError(reason) ? reason : new AtpError('cancelled', String(reason))
    ours.cancel(id, code === 'cancelled' ? cause : message)
    end({ ok: false, error: { code, message } })
  }
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    for (;;) {
      const step = await running.next()
      if (step.type === 'outcome') {
        end(step.outcome)
        return step.outcome
      }
      yield step.value
      ours.more(id)
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** A call as it is shown: without the token, and what a user of an app did as its arguments. */
function observed({ callId, toolkit, tool, args, app }: ForwardedCall, number: number): ObservedCall {
  const shown = app === undefined || app.event === 'start' ? args : app.data
  return { number, callId, toolkit, tool, args: shown, event: app?.event }
}

/** @throws AtpError what the call failed with where the tool ran */
function readOutcome(outcome: InvokeOutcome): unknown {
  if (outcome.ok) return JSON.parse(outcome.json)
  const { code, message, retryable, details } = outcome.error
  throw new AtpError(code, message, { retryable, ...(details === undefined ? {} : { details }) })
}
