import { type InboxPoller, ToolkitInbox } from './toolkit-inbox.ts'

/** The inboxes of all toolkits that poll, or that calls wait for. */
export class ToolkitInboxes {
  readonly #onlineMs: number
  readonly #byId = new Map<string, ToolkitInbox>()
  #stopped = false

  /** @param onlineMs how long after its last poll a toolkit counts as online */
  constructor(onlineMs: number) {
    this.#onlineMs = onlineMs
  }

  /** The inbox of a toolkit, if there is something in it or somebody polls. */
  find(toolkitId: string): ToolkitInbox | undefined {
    return this.#byId.get(toolkitId)
  }

  /** The inbox of a toolkit. */
  of(toolkitId: string): ToolkitInbox {
    let inbox = this.#byId.get(toolkitId)
    if (!inbox) {
      inbox = new ToolkitInbox()
      if (this.#stopped) inbox.stop()
      this.#byId.set(toolkitId, inbox)
    }
    return inbox
  }

  /** How many calls wait for each toolkit, by its name. */
  *depths(): Iterable<readonly [toolkit: string, calls: number]> {
    for (const inbox of this.#byId.values()) if (inbox.name !== undefined) yield [inbox.name, inbox.depth]
  }

  /** The processes that poll for a toolkit. */
  peersOf(toolkitId: string): Iterable<InboxPoller> {
    return this.#byId.get(toolkitId)?.pollers(this.#onlineMs) ?? []
  }

  /** Forgets inboxes that nobody polls and nothing waits in: their toolkits may be gone for good. */
  prune(): void {
    for (const [toolkitId, inbox] of this.#byId) {
      if (inbox.depth === 0 && !inbox.isOnline(this.#onlineMs)) this.#byId.delete(toolkitId)
    }
  }

  /** Ends the polls of a key, whose processes are gone from now on. */
  closeKey(keyId: string): void {
    for (const inbox of this.#byId.values()) inbox.closeKey(keyId)
  }

  /** Ends all polls, for good. Idempotent. */
  stop(): void {
    this.#stopped = true
    for (const inbox of this.#byId.values()) inbox.stop()
  }
}
