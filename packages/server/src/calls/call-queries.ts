import { AtpError } from '@atp/core'
import type { DurableWriter } from '../store/grouped-durable-store.ts'
import type { StoredKey } from '../store/store.ts'
import { type CallOutcome, statusOf } from './call.ts'
import type { CallRouter } from './call-router.ts'
import type { StoredCalls } from './stored-calls.ts'
import type { ToolkitDirectory } from './toolkit-directory.ts'

/** What {@link CallQueries} works with. */
export interface CallQueriesOptions {
  router: CallRouter
  stored: StoredCalls
  writer: DurableWriter
  directory: ToolkitDirectory
}

/** Answers what became of a call, to the key that made it; to any other one it is missing. */
export class CallQueries {
  readonly #options: CallQueriesOptions
  readonly #waiting = new Set<() => void>()
  #stopped = false

  constructor(options: CallQueriesOptions) {
    this.#options = options
  }

  /**
   * A call as it travels.
   * @param waitMs how long to wait for its outcome
   * @throws AtpError `not_found` for a call of another key, one that was not stored and ended, or one that is forgotten
   */
  async get(key: StoredKey, callId: string, waitMs: number, signal: AbortSignal): Promise<Record<string, unknown>> {
    const { router } = this.#options
    if (waitMs > 0 && router.find(callId)?.key.id === key.id) await this.#ended(callId, waitMs, signal)
    const call = router.find(callId)
    if (call?.key.id === key.id) {
      return {
        call_id: call.id,
        toolkit_id: call.toolkit.id,
        toolkit: call.toolkit.appName,
        tool: call.tool.name,
        status: 'running',
        started_at: call.startedAt,
      }
    }
    return this.#stored(key, callId)
  }

  /** Cancels a call; false when none of that key is under way, which is as good. */
  cancel(key: StoredKey, callId: string): boolean {
    const { router } = this.#options
    const call = router.find(callId)
    if (call?.key.id !== key.id) return false
    router.cancel(call, 'its caller cancelled it')
    return true
  }

  /** Lets those who wait go, with what is known: the server stops. Idempotent. */
  stop(): void {
    this.#stopped = true
    for (const done of [...this.#waiting]) done()
  }

  async #stored({ id: keyId, projectId }: StoredKey, callId: string): Promise<Record<string, unknown>> {
    const { writer, stored, directory } = this.#options
    const row = await writer.find(projectId, callId)
    if (row?.keyId !== keyId) throw notKept(callId)
    const ended = await stored.outcomeOf(projectId, callId)
    const toolkit = await directory.resolve(projectId, row.toolkitId)
    const known = {
      call_id: callId,
      toolkit_id: row.toolkitId,
      toolkit: toolkit?.toolkit.appName ?? row.toolkitId,
      tool: row.tool,
      started_at: row.createdAt,
    }
    if (!ended) return { ...known, status: 'running' }
    return { ...known, ...wireOutcome(ended.outcome), ended_at: ended.endedAt }
  }

  #ended(callId: string, waitMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        forget()
        signal.removeEventListener('abort', done)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, waitMs)
      let forget = (): void => {}
      signal.addEventListener('abort', done)
      this.#waiting.add(done)
      forget = this.#options.router.onceEnded(callId, done)
      if (signal.aborted || this.#stopped) done()
    })
  }
}

function wireOutcome(outcome: CallOutcome): Record<string, unknown> {
  return outcome.ok
    ? { status: 'succeeded', ok: true, result: outcome.result }
    : { status: statusOf(outcome.error), ok: false, error: outcome.error }
}

function notKept(callId: string): AtpError {
  return new AtpError(
    'not_found',
    `There is no call "${callId}" of this key; only calls with detach or an idempotency key can be asked for when they ended`,
  )
}
