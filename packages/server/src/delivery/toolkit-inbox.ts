import type { ServingProcess } from './serving-processes.ts'

/** One poll: it is over when a newer one of the same process began, or the server stops. */
export interface PollTurn {
  over: boolean
}

/** One process that polls for its toolkit. */
export class InboxPoller implements ServingProcess {
  readonly toolkitId: string
  readonly keyId: string
  tools: ReadonlySet<string>
  toolsHash: string | undefined
  /** When it was heard of last; monotonic milliseconds. */
  lastSeen: number = performance.now()
  #cancelled: { callId: string; reason: string }[] = []
  /** Its newest poll. */
  turn: PollTurn | undefined
  /** Ends the wait of its poll. */
  wake: (() => void) | undefined

  constructor({ toolkitId, keyId, tools }: { toolkitId: string; keyId: string; tools?: ReadonlySet<string> }) {
    this.toolkitId = toolkitId
    this.keyId = keyId
    this.tools = tools ?? new Set()
  }

  /** Nobody waits for a call any more that it has. */
  cancel(callId: string, reason: string): void {
    // Of a process that never polls again nothing is kept for ever: it is forgotten as a whole.
    this.#cancelled.push({ callId, reason })
    this.wake?.()
  }

  /** Whether there is something to tell it. */
  get hasCancelled(): boolean {
    return this.#cancelled.length > 0
  }

  /** What to tell it, once. */
  takeCancelled(): { callId: string; reason: string }[] {
    const cancelled = this.#cancelled
    this.#cancelled = []
    return cancelled
  }
}

/** What waits for one toolkit, and who asks for it. */
export class ToolkitInbox {
  /** Stored calls that nobody has, with their tools. */
  readonly #queued = new Map<string, string>()
  readonly #pollers = new Set<InboxPoller>()
  /** Pollers that found nothing in the store, and nothing changed since. */
  readonly #upToDate = new WeakSet<InboxPoller>()
  /** The name of the toolkit, once a call was for it. */
  name: string | undefined
  /** Calls that are being stored. */
  readonly #expected = new Set<string>()
  #version = 0
  #stopped = false

  /** How many calls wait. */
  get depth(): number {
    return this.#queued.size + this.#expected.size
  }

  /** Changes with every call that begins to wait. */
  get version(): number {
    return this.#version
  }

  /** Whether a process that polled a moment ago has this tool. */
  serves(tool: string, onlineMs: number): boolean {
    for (const poller of this.pollers(onlineMs)) if (poller.tools.has(tool)) return true
    return false
  }

  isOnline(onlineMs: number): boolean {
    for (const _ of this.pollers(onlineMs)) return true
    return false
  }

  /** The processes that polled a moment ago; others are forgotten. */
  *pollers(onlineMs: number): Iterable<InboxPoller> {
    const since = performance.now() - onlineMs
    for (const poller of this.#pollers) {
      if (poller.lastSeen >= since || poller.wake) yield poller
      else this.#pollers.delete(poller)
    }
  }

  /** A call is being stored, and counts as waiting. @param name that of the toolkit */
  expect(callId: string, name: string): void {
    this.name = name
    this.#expected.add(callId)
  }

  /** A call waits. */
  enqueue(callId: string, tool: string): void {
    this.#expected.delete(callId)
    this.#queued.set(callId, tool)
    this.#version += 1
    for (const poller of this.#pollers) {
      if (!poller.tools.has(tool)) continue
      this.#upToDate.delete(poller)
      poller.wake?.()
    }
  }

  /** A call does not wait any more. */
  dequeue(callId: string): void {
    this.#expected.delete(callId)
    this.#queued.delete(callId)
  }

  /** A process was heard of. */
  seen(poller: InboxPoller): void {
    poller.lastSeen = performance.now()
    this.#pollers.add(poller)
  }

  /** A process is gone. */
  forget(poller: InboxPoller): void {
    this.#pollers.delete(poller)
  }

  /** A poll begins: an earlier one of the same process ends. */
  enter(poller: InboxPoller): PollTurn {
    end(poller)
    this.#upToDate.delete(poller)
    poller.turn = { over: this.#stopped }
    return poller.turn
  }

  /** Whether the store may have a call for a process. */
  hasFor(poller: InboxPoller): boolean {
    if (this.#stopped || this.#upToDate.has(poller)) return false
    for (const tool of this.#queued.values()) if (poller.tools.has(tool)) return true
    return false
  }

  /**
   * The store had nothing for a process: it is not asked again before something new comes.
   * @param version that from before the store was asked
   */
  nothingFor(poller: InboxPoller, version: number): void {
    if (version === this.#version) this.#upToDate.add(poller)
  }

  /** Resolves when something came for a process, or the time is over. */
  wait(poller: InboxPoller, forCalls: boolean, waitMs: number, signal: AbortSignal): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        if (poller.wake === done) poller.wake = undefined
        resolve()
      }
      const timer = setTimeout(done, waitMs)
      signal.addEventListener('abort', done)
      poller.wake = done
      // It may have come between the look and this wait.
      if (signal.aborted || poller.hasCancelled || (forCalls && this.hasFor(poller))) done()
    })
  }

  /** Ends the polls of a key, whose processes are gone from now on. */
  closeKey(keyId: string): void {
    for (const poller of this.#pollers) {
      if (poller.keyId !== keyId) continue
      this.#pollers.delete(poller)
      end(poller)
    }
  }

  /** Ends all waits. */
  stop(): void {
    this.#stopped = true
    for (const poller of this.#pollers) end(poller)
  }
}

function end(poller: InboxPoller): void {
  if (poller.turn) poller.turn.over = true
  poller.wake?.()
}
