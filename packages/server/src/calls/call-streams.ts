import { AtpError } from '@atp/core'
import { CallEvents, type CallEventsLimits, type EventReader } from './call-events.ts'

interface Stream {
  keyId: string
  events: CallEvents
}

/** The streams whose callers may come back for them, by call. */
export class CallStreams {
  readonly #limits: CallEventsLimits
  readonly #streams = new Map<string, Stream>()

  constructor(limits: CallEventsLimits = {}) {
    this.#limits = limits
  }

  /**
   * Makes the stream of a call that is about to start.
   * @param onAbandoned its caller did not come back
   * @returns the events, and what makes them known once the call has an id
   */
  open(keyId: string, onAbandoned: () => void): { events: CallEvents; name: (callId: string) => void } {
    let name: string | undefined
    const events = new CallEvents(() => {
      if (name !== undefined) this.#streams.delete(name)
      events.close()
      onAbandoned()
    }, this.#limits)
    return {
      events,
      name: (callId) => {
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
    return () => stream.events.detach(reader)
  }

  /** Ends all streams. */
  stop(): void {
    for (const { events } of this.#streams.values()) events.close()
    this.#streams.clear()
  }
}
