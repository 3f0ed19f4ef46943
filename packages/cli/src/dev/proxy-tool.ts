import { AtpError, type InvokeOutcome, isAtpError, type Tool, type ToolContext, type ToolDescriptor } from '@atp/core'
import type { CallObserver, ObservedCall, ObservedOutcome } from './call-observer.ts'
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
 * happen there, so that an error is the same as without this way round.
 */
export function proxyTool(toolkit: string, descriptor: ToolDescriptor, host: ProxyHost): Tool {
  return {
    ...descriptor,
    handler: (args: unknown, context: ToolContext) => forward({ toolkit, tool: descriptor.name, args }, context, host),
    tokenInArgs: false,
    validateInput: undefined,
    // Not the check of an output schema, which was made already, but the one place that may fail with any code.
    validateOutput: (outcome) => ({ ok: true, value: readOutcome(outcome as InvokeOutcome) }),
  }
}

async function* forward(
  what: { toolkit: string; tool: string; args: unknown },
  context: ToolContext,
  { generation, nextNumber, observer }: ProxyHost,
): AsyncGenerator<unknown, InvokeOutcome> {
  const call: ObservedCall = { ...what, number: nextNumber(), callId: context.callId }
  const startedAt = performance.now()
  let ended = false
  const end = (outcome: ObservedOutcome): void => {
    if (!ended) observer.ended(call, outcome, performance.now() - startedAt)
    ended = true
  }
  observer.started(call)
  const ours = generation()
  const { id, running } = ours.start(
    { ...what, callId: context.callId, authToken: context.authToken },
    (value: unknown) => {
      if (ended) return
      observer.progressed(call, value)
      context.progress(value)
    },
  )
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

/** @throws AtpError what the call failed with where the tool ran */
function readOutcome(outcome: InvokeOutcome): unknown {
  if (outcome.ok) return JSON.parse(outcome.json)
  const { code, message, retryable, details } = outcome.error
  throw new AtpError(code, message, { retryable, ...(details === undefined ? {} : { details }) })
}
