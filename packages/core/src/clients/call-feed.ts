import { AtpError } from '../errors/atp-error.ts'
import type { PartialPart } from './call-parts.ts'
import type { CallWatcher, DoorCall, LlmDoor } from './llm-door.ts'
import { maxUnreadLength, type UnreadParts } from './part-stream.ts'

/** Adds a part of one call to where they are read. Returns false when a chunk does not fit any more. */
type AddPart = (part: PartialPart, kind: 'progress' | 'chunk') => boolean

/** Runs one call and hands over what its tool tells meanwhile, chunks without a gap. */
export class CallFeed implements CallWatcher {
  /** What of the call is not read yet. */
  readonly unread: UnreadParts = { length: 0, progressCount: 0 }
  readonly #abort = new AbortController()
  readonly #tool: string
  readonly #add: AddPart
  #callId: string | undefined
  #nextSequence = 0
  #failure: AtpError | undefined

  constructor(tool: string, add: AddPart) {
    this.#tool = tool
    this.#add = add
  }

  /** The server's id of the call, once it is known. */
  get callId(): string | undefined {
    return this.#callId
  }

  /** Why this side gave the call up; it concerns no other call. */
  get failure(): AtpError | undefined {
    return this.#failure
  }

  /** @throws AtpError what the call failed with: `protocol_error` for missing chunks, `result_too_large` for too many */
  async run(door: LlmDoor, call: DoorCall): Promise<unknown> {
    const own = this.#abort.signal
    const signal = call.signal ? AbortSignal.any([call.signal, own]) : own
    try {
      const result = await door.call({ ...call, signal, watcher: this })
      if (this.#failure) throw this.#failure
      return result
    } catch (error) {
      // Giving up makes it a cancelled call, which says less.
      throw this.#failure ?? error
    }
  }

  accepted(callId: string): void {
    this.#callId = callId
  }

  progress(value: unknown): void {
    if (!this.#failure) this.#add({ type: 'progress', progress: value }, 'progress')
  }

  chunk(sequence: number, data: unknown): void {
    // A call that was sent again begins again with the first chunk.
    if (this.#failure || sequence < this.#nextSequence) return
    if (sequence > this.#nextSequence) {
      const message = `Tool "${this.#tool}": chunk ${this.#nextSequence} is missing; chunk ${sequence} came instead`
      this.#fail(new AtpError('protocol_error', message))
      return
    }
    this.#nextSequence += 1
    if (this.#add({ type: 'chunk', sequence, data }, 'chunk')) return
    const message = `Tool "${this.#tool}": its chunks are not read fast enough; ${maxUnreadLength} characters wait`
    this.#fail(new AtpError('result_too_large', message))
  }

  #fail(error: AtpError): void {
    this.#failure = error
    this.#abort.abort(error.message)
  }
}
