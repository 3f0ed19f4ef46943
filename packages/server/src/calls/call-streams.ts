import { AtpError } from '@atp/core'
import { CallEvents, type CallEventsLimits, type EventReader } from './call-events.ts'

/** The oldest first, with what each kept when its reader was lost. */
interface Unread {
  chars: number
  streams: Map<CallEvents, number>
}

interface Stream {
  keyId: string
  events: CallEvents
}

/** How many streams are kept for their callers, and how much of each. */
export interface CallStreamsLimits extends CallEventsLimits {
  /** What is kept for one key of streams that nobody reads, in characters; the oldest go first. @default 67_108_864 */
  maxUnreadChars?: number | undefined
}

/** The streams whose callers may come back for them, by call. */
export class CallStreams {
  readonly #limits: CallEventsLimits
  readonly #maxUnreadChars: number
  readonly #streams = new Map<string, Stream>()
  /** Streams that nobody reads, by key. */
  readonly #unread = new Map<string, Unread>()

  constructor({ maxUnreadChars = 67_108_864, ...limits }: CallStreamsLimits = {}) {
    this.#limits = limits
    this.#maxUnreadChars = maxUnreadChars
  }

  /**
   * Makes the stream of a call that is about to start.
   * @param onAbandoned its caller did not come back
   * @returns the events, and what makes them known once the call has an id
   */
  open(keyId: string, onAbandoned: () => void): { events: CallEvents; name: (callId: string) => void } {
    let name: string | undefined
    let abandoned = false
    const events: CallEvents = new CallEvents({
      ...this.#limits,
      onDetached: () => {
        // Of a call that never began nobody has an id to come back with.
        if (name === undefined) events.abandon()
        else this.#shrink(keyId, events)
      },
      onAbandoned: () => {
        abandoned = true
        if (name !== undefined) this.#streams.delete(name)
        this.#forget(keyId, events)
        events.close()
        onAbandoned()
      },
    })
    return {
      events,
      name: (callId) => {
        if (abandoned) return
        name = callId
        this.#streams.set(callId, { keyId, events })
      },
    }
  }

  /**
   * Goes on with a stream after an event.
   * @returns what tells that the reader's connection is gone
   * @throws AtpError `gone` for a stream that is not kept, or not of that key
   */
  resume(keyId: string, callId: string, reader: EventReader, afterId: number): () => void {
    const stream = this.#streams.get(callId)
    if (stream?.keyId !== keyId) {
      throw new AtpError('gone', `No events of call "${callId}" are kept; ask for the call itself`)
    }
    stream.events.attach(reader, afterId)
    this.#forget(keyId, stream.events)
    return () => stream.events.detach(reader)
  }

  /** Ends all streams. */
  stop(): void {
    for (const { events } of this.#streams.values()) events.close()
    this.#streams.clear()
    this.#unread.clear()
  }

  /** What is kept for a key must not grow with the calls that it ended. */
  #shrink(keyId: string, newest: CallEvents): void {
    const unread = this.#unread.get(keyId) ?? { chars: 0, streams: new Map<CallEvents, number>() }
    this.#unread.set(keyId, unread)
    unread.streams.set(newest, newest.keptChars)
    unread.chars += newest.keptChars
    for (const events of unread.streams.keys()) {
      if (unread.chars <= this.#maxUnreadChars || events === newest) return
      events.abandon()
    }
  }

  #forget(keyId: string, events: CallEvents): void {
    const unread = this.#unread.get(keyId)
    if (!unread) return
    unread.chars -= unread.streams.get(events) ?? 0
    unread.streams.delete(events)
    if (unread.streams.size === 0) this.#unread.delete(keyId)
  }
}
