import { type CallState, isAtpError, LLMClient } from '@atp/core'
import { ledgerNow } from '../ledger/ledger.ts'
import type { Status } from '../ledger/ledger-entry.ts'
import { toStatus } from '../ledger/to-status.ts'
import type { CallerPlan, CallKind } from './caller-plan.ts'
import { createRawDoor } from './raw-door.ts'

/** One attempt at a piece of work. */
export interface Attempt {
  kind: CallKind
  params: Record<string, unknown>
  key: string | undefined
  timeoutMs: number
}

/** What an attempt was answered with. */
export interface Answer {
  /** When it came, by the clock of the ledgers. */
  at: number
  status: Status
  code?: string
  run?: string
}

/** A way for a caller to call. */
export interface Door {
  /** Resolves with every answer that came: one, unless the server makes a mistake. Never rejects. */
  call(attempt: Attempt, onAccepted: (callId: string) => void): Promise<Answer[]>
  close(): Promise<void>
}

/** How long an accepted call is waited for, in milliseconds: longer than any of ours takes. */
const waitMs = 90_000

/** Opens the way that a plan names. */
export function createDoor(plan: CallerPlan): Door {
  if (plan.protocol === 'raw') return createRawDoor(plan)
  const overHttp = plan.protocol === 'http'
  const { baseUrl, apiKey } = plan
  const backoff = { baseMs: 100, maxMs: 500 }
  const llm = new LLMClient({ baseUrl, apiKey, protocol: plan.protocol, backoff })

  async function run({ kind, params, key, timeoutMs }: Attempt, onAccepted: (id: string) => void): Promise<Answer> {
    const { tool, toolkitId = plan.toolkitId } = kind
    const request = { toolkitId, tool, params, timeoutMs, ...(key !== undefined && { idempotencyKey: key }) }
    if (kind.how !== 'detached') return toAnswer(await llm.call(request))
    const { callId } = await llm.call({ ...request, detach: true })
    onAccepted(callId)
    // Waits also while the server is away, and throws what the call failed with.
    return toAnswer(await llm.waitForCall(callId, { timeoutMs: waitMs }))
  }

  return {
    async call(attempt, onAccepted) {
      try {
        return [await run(attempt, onAccepted)]
      } catch (error) {
        return [{ at: ledgerNow(), status: toStatus(error, overHttp), code: codeOf(error) }]
      }
    },
    close: () => llm.close(),
  }
}

/** The answer of a tool of ours. */
export function toAnswer(result: unknown): Answer {
  const { run } = (result ?? {}) as { run?: string }
  return { at: ledgerNow(), status: 'succeeded', ...(run !== undefined && { run }) }
}

/** How a stored call ended, in the words of the ledgers. */
export function storedStatus(status: CallState['status']): Status {
  return status === 'delivery_failed' ? 'not_run' : status === 'running' ? 'in_progress' : status
}

function codeOf(error: unknown): string {
  return isAtpError(error) ? error.code : String((error as { code?: string }).code ?? error)
}
