import type { InboxDelivery } from '../delivery/inbox.ts'
import type { LeasedCall } from '../delivery/poll-request.ts'
import { InboxPoller } from '../delivery/toolkit-inbox.ts'
import type { ServerLimits } from '../limits.ts'
import type { Store, StoredKey } from '../store/store.ts'
import { readLegacyResult } from './legacy-result.ts'

/** What {@link LegacyInbox} works with. */
export interface LegacyInboxOptions {
  store: Pick<Store, 'legacy'>
  inbox: InboxDelivery
  limits: ServerLimits
}

/** Whether an answer was one that somebody waited for. */
export type AnswerStatus = 'accepted' | 'ignored'

/** The inbox as Python toolkits know it: one call for each poll, which counts as running from then on. */
export class LegacyInbox {
  readonly #options: LegacyInboxOptions
  /** Those of this wire; one for each key that polls, because a poll does not say which process it is of. */
  readonly #pollers = new WeakSet<InboxPoller>()

  constructor(options: LegacyInboxOptions) {
    this.#options = options
  }

  /** The next call of a toolkit, or undefined when none came in time. @throws AtpError what the store throws */
  async take(key: StoredKey, signal: AbortSignal): Promise<LeasedCall | undefined> {
    const { store, inbox, limits } = this.#options
    const { projectId, toolkitId } = key
    if (toolkitId === null) return undefined
    const tools = await store.legacy.codeHashes(projectId, toolkitId)
    const poller = this.#pollerOf(key, toolkitId)
    poller.tools = new Set(tools.keys())
    const { calls } = await inbox.poll({
      projectId,
      poller,
      max: 1,
      waitMs: limits.legacyInboxWaitMs,
      ack: true,
      signal,
    })
    return calls[0]
  }

  /** Takes an answer; one that is late is acknowledged as well (rule D6). Resolves once it is written. */
  async answer(toolkitId: string | null, requestId: string, response: unknown, chars: number): Promise<AnswerStatus> {
    const { inbox, limits } = this.#options
    if (toolkitId === null) return 'ignored'
    const result = readLegacyResult(requestId, response, chars, limits.resultBytes)
    const answer = inbox.result(requestId, { toolkitId }, result)
    await inbox.written(toolkitId, requestId)
    return answer === 'ok' ? 'accepted' : 'ignored'
  }

  /** The same from clients that name the tool instead of the call: it answers the oldest one. */
  async answerTool(toolkitId: string, tool: string, response: unknown, chars: number): Promise<AnswerStatus> {
    const requestId = this.#options.inbox.oldestRunning(toolkitId, tool)
    return requestId === undefined ? 'ignored' : this.answer(toolkitId, requestId, response, chars)
  }

  /** The delivery forgets those that are not heard of for long. */
  #pollerOf(key: StoredKey, toolkitId: string): InboxPoller {
    for (const known of this.#options.inbox.peersOf(toolkitId)) {
      if (known.keyId === key.id && this.#pollers.has(known)) return known
    }
    const poller = new InboxPoller({ toolkitId, keyId: key.id })
    this.#pollers.add(poller)
    return poller
  }
}

/** A call as the inbox of the Python SDK has it. */
export function inboxItem({ call, request: { params, authToken } }: LeasedCall): Record<string, unknown> {
  const token = authToken === undefined ? {} : { auth_token: authToken }
  return { request_id: call.id, tool_name: call.tool.name, params, ...token }
}
