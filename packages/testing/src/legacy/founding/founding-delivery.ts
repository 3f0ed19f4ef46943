import type { WebSocket } from 'ws'
import type { FoundingDelivery, FoundingRequest } from './founding-calls.ts'
import type { FoundingToolkit } from './founding-state.ts'

/** A toolkit counts as online this long after its last poll, in milliseconds. */
const pollLifeMs = 70_000

/** Sockets and inboxes of the toolkits. */
export class FoundingToolkits implements FoundingDelivery {
  readonly #sockets = new Map<FoundingToolkit, WebSocket[]>()
  readonly #sent = new Map<WebSocket, Set<string>>()
  readonly #polls = new Map<FoundingToolkit, number>()
  readonly #queues = new Map<FoundingToolkit, FoundingRequest[]>()
  readonly #waiting = new Map<FoundingToolkit, () => void>()

  isOnline(toolkit: FoundingToolkit): boolean {
    if ((this.#sockets.get(toolkit)?.length ?? 0) > 0) return true
    return Date.now() - (this.#polls.get(toolkit) ?? Number.NEGATIVE_INFINITY) < pollLifeMs
  }

  /** To the newest socket, or into the inbox. */
  deliver(toolkit: FoundingToolkit, request: FoundingRequest): void {
    const socket = this.#sockets.get(toolkit)?.at(-1)
    if (socket === undefined) {
      this.#queues.set(toolkit, [...(this.#queues.get(toolkit) ?? []), request])
      this.#waiting.get(toolkit)?.()
      return
    }
    this.#sent.get(socket)?.add(request.request_id)
    socket.send(JSON.stringify({ message_type: 'atp_tool_request', payload: request }))
  }

  join(toolkit: FoundingToolkit, socket: WebSocket): void {
    this.#sockets.set(toolkit, [...(this.#sockets.get(toolkit) ?? []), socket])
    this.#sent.set(socket, new Set())
  }

  answered(socket: WebSocket, requestId: unknown): void {
    this.#sent.get(socket)?.delete(String(requestId))
  }

  /** Forgets a socket. @returns the requests that went to it and were not answered */
  leave(toolkit: FoundingToolkit, socket: WebSocket): Set<string> {
    const left = (this.#sockets.get(toolkit) ?? []).filter((each) => each !== socket)
    this.#sockets.set(toolkit, left)
    const open = this.#sent.get(socket) ?? new Set<string>()
    this.#sent.delete(socket)
    return open
  }

  /** One item, once; undefined when none comes within the hold. */
  async poll(toolkit: FoundingToolkit, holdMs: number): Promise<FoundingRequest | undefined> {
    this.#polls.set(toolkit, Date.now())
    if (!this.#queues.get(toolkit)?.length && holdMs > 0) {
      let timer: ReturnType<typeof setTimeout> | undefined
      await new Promise<void>((resolve) => {
        timer = setTimeout(resolve, holdMs)
        this.#waiting.set(toolkit, resolve)
      })
      clearTimeout(timer)
      this.#waiting.delete(toolkit)
    }
    return this.#queues.get(toolkit)?.shift()
  }
}
