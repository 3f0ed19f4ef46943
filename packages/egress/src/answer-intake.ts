import type { IncomingHttpHeaders } from 'node:http'
import type { Agent, Dispatcher } from 'undici'
import { flatHeaders } from './outgoing-headers.ts'
import type { OutgoingRequest } from './outgoing-request.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** What comes before the body. */
export interface AnswerHead {
  status: number
  statusText: string
  headers: IncomingHttpHeaders
}

/** How many bytes may wait for their reader before the sender has to. */
const mostWaiting = 65_536

/**
 * Sends one request and takes in its answer. Most answers arrive whole at once, so this keeps them as they come, and not
 * in a stream of Node, which costs more than the request does.
 */
export class AnswerIntake implements Dispatcher.DispatchHandler {
  readonly #chunks: Bytes[] = []
  #waitingBytes = 0
  #controller: Dispatcher.DispatchController | undefined
  readonly #head = Promise.withResolvers<AnswerHead>()
  #reader: PromiseWithResolvers<Bytes | undefined> | undefined
  /** How the exchange ended: whole, or by what failed. */
  #end: { failure?: Error } | undefined

  /** Sends the request. Rejects with whatever keeps the answer away. */
  send(agent: Agent, { url, method, headers, body }: OutgoingRequest): Promise<AnswerHead> {
    const to = { origin: url.origin, path: url.pathname + url.search, method }
    agent.dispatch({ ...to, headers: flatHeaders(headers), body: body ?? null }, this)
    return this.#head.promise
  }

  /**
   * The next bytes of the body, or none at its end. What arrived before a connection failed is given first.
   * Obligation of the caller: one at a time.
   */
  read(): Promise<Bytes | undefined> {
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) {
      this.#waitingBytes -= chunk.byteLength
      if (this.#waitingBytes < mostWaiting) this.#controller?.resume()
      return Promise.resolve(chunk)
    }
    if (this.#end === undefined) {
      this.#reader = Promise.withResolvers()
      return this.#reader.promise
    }
    const { failure } = this.#end
    return failure === undefined ? Promise.resolve(undefined) : Promise.reject(failure)
  }

  /** Gives the answer up: what waits fails, what was not read is dropped, and the connection too unless it is free again. */
  abort(failure: Error): void {
    this.#chunks.length = 0
    this.#fail(failure)
    this.#controller?.abort(failure)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#end?.failure !== undefined) controller.abort(this.#end.failure)
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    statusText = '',
  ): void {
    if (status >= 200) this.#head.resolve({ status, statusText, headers })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#end !== undefined) return
    const bytes = chunk as unknown as Bytes
    if (this.#reader !== undefined) {
      this.#reader.resolve(bytes)
      this.#reader = undefined
      return
    }
    this.#chunks.push(bytes)
    this.#waitingBytes += bytes.byteLength
    if (this.#waitingBytes >= mostWaiting) controller.pause()
  }

  onResponseEnd(): void {
    this.#end ??= {}
    this.#reader?.resolve(undefined)
    this.#reader = undefined
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#end === undefined) this.#fail(error)
  }

  #fail(failure: Error): void {
    this.#end = { failure }
    this.#head.reject(failure)
    this.#reader?.reject(failure)
    this.#reader = undefined
  }
}
