import type { Socket } from 'node:net'

/** Which way bytes go: to what the proxy stands in front of, or back to who connected. */
export type Direction = 'to-target' | 'to-client'

/** What happens to bytes on their way; read anew for every piece, so that a change holds for what already waits. */
export interface LaneConditions {
  /** How long every byte travels, in milliseconds. */
  delayMs: number
  /** The largest piece that is written at once, in bytes. */
  sliceBytes: number
  /** How much passes in each direction of each connection, in bytes. */
  bytesPerSecond: number
}

/** What a {@link ProxyLane} is made of. */
export interface LaneOptions {
  from: Socket
  to: Socket
  conditions: LaneConditions
  /** Whether no byte passes at the moment, and nobody hears of it. */
  isSilent(): boolean
  /** Every chunk as it comes in; false when it must not travel on. */
  onArrival(chunk: Buffer): boolean
  /** How many bytes may still pass. */
  allowance(): number
  /** Called for every piece once the system took it. */
  onForwarded(bytes: number): void
}

interface Waiting {
  /** Null for the end of the stream. */
  chunk: Buffer | null
  arrivedAt: number
}

/** What waits in a lane before its source is no longer read. */
const maxWaitingBytes = 1_048_576

/** How often a limited lane writes, so that it is a stream and no row of bursts. */
const writesPerSecond = 20

/** One direction of one connection. Bytes keep their order and none is lost, unless the connection is cut. */
export class ProxyLane {
  readonly #options: LaneOptions
  readonly #waiting: Waiting[] = []
  #waitingBytes = 0
  #pumping = false
  #wake: (() => void) | undefined

  constructor(options: LaneOptions) {
    this.#options = options
    const { from, to } = options
    from.on('data', (chunk: Buffer) => {
      if (!options.onArrival(chunk)) return
      this.#enqueue(chunk)
      if (this.#waitingBytes >= maxWaitingBytes) from.pause()
    })
    from.on('end', () => this.#enqueue(null))
    to.on('close', () => this.changed())
    to.on('drain', () => this.changed())
  }

  /** Looks at the conditions again: a lane that was silent goes on where it stopped. */
  changed(): void {
    this.#wake?.()
  }

  #enqueue(chunk: Buffer | null): void {
    this.#waiting.push({ chunk, arrivedAt: performance.now() })
    this.#waitingBytes += chunk?.length ?? 0
    if (!this.#pumping) void this.#pump()
  }

  async #pump(): Promise<void> {
    const { from, to } = this.#options
    this.#pumping = true
    for (let next = this.#waiting[0]; next !== undefined && !to.destroyed; next = this.#waiting[0]) {
      await this.#travel(next.arrivedAt)
      if (next.chunk === null) to.end()
      else await this.#forward(next.chunk)
      this.#waiting.shift()
      if (from.isPaused() && this.#waitingBytes < maxWaitingBytes) from.resume()
    }
    this.#pumping = false
  }

  /** Waits until what came in then may pass. */
  async #travel(arrivedAt: number): Promise<void> {
    const { conditions, isSilent, to } = this.#options
    while (!to.destroyed) {
      const remainingMs = isSilent() ? Number.POSITIVE_INFINITY : arrivedAt + conditions.delayMs - performance.now()
      if (remainingMs <= 0) return
      await this.#pause(remainingMs)
    }
  }

  async #forward(chunk: Buffer): Promise<void> {
    const { conditions, to } = this.#options
    let rest = chunk
    while (rest.length > 0) {
      // Silence may begin between two pieces of one chunk.
      await this.#travel(Number.NEGATIVE_INFINITY)
      if (to.destroyed) return
      const { sliceBytes, bytesPerSecond } = conditions
      const piece = rest.subarray(0, Math.max(1, Math.min(sliceBytes, bytesPerSecond / writesPerSecond)))
      const passing = piece.subarray(0, this.#options.allowance())
      rest = rest.subarray(passing.length)
      this.#waitingBytes -= passing.length
      await this.#write(passing)
      if (bytesPerSecond !== Number.POSITIVE_INFINITY) await this.#pause((passing.length * 1_000) / bytesPerSecond)
      // Without a pause the system would join the slices again.
      else if (sliceBytes !== Number.POSITIVE_INFINITY) await this.#pause(1)
    }
  }

  async #write(piece: Buffer): Promise<void> {
    const { to, onForwarded } = this.#options
    await new Promise<void>((resolve) => to.write(piece, () => resolve()))
    onForwarded(piece.length)
  }

  /** Ends after that time, when the conditions change, or when there is nobody left to write to. */
  #pause(timeMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve()
      }
      const timer = timeMs === Number.POSITIVE_INFINITY ? undefined : setTimeout(end, timeMs)
      this.#wake = end
    })
  }
}
