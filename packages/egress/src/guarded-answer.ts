import type { IncomingHttpHeaders } from 'node:http'
import type { AnswerHead, AnswerIntake } from './answer-intake.ts'
import { contentCodings, decoded, isKnownCoding } from './content-coding.ts'
import { upstreamFailed, upstreamTooLarge } from './egress-error.ts'

type Bytes = Uint8Array<ArrayBuffer>

/**
 * An answer with no more around it than its reader needs: reading one costs a small part of what a `Response` does.
 * Obligation: read its body to the end or discard it; until then it has a connection, and its time runs.
 */
export interface GuardedAnswer {
  readonly status: number
  readonly statusText: string
  /** Where it came from in the end. */
  readonly url: string
  /** Whether that was another place than the one that was asked. */
  readonly redirected: boolean
  /** The value of a header by its name in lower case, several of them joined by commas; null without it. */
  header(name: string): string | null
  /**
   * The next bytes of the body, unpacked, or none at its end; they may be a view on memory that has other things, too.
   * One reader, one chunk at a time.
   */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined>
  /** All of the body that was not read yet, as {@link read} gives it. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>
  /** Lets go of the body, and of its connection unless that is free again. */
  discard(): void
}

/** What an answer is made of beside what arrives. */
export interface AnswerOptions {
  method: string
  url: URL
  redirected: boolean
  maxResponseBytes: number
  /** The target as errors name it. */
  shown: string
  /** Turns whatever breaks the body into the error that its reader gets. */
  toError(error: unknown): unknown
  /** Throws why the call is over, if it is. */
  check(): void
  /** Called when the body has been read, has failed or is not wanted. */
  onEnd(): void
}

const withoutBody: ReadonlySet<number> = new Set([204, 205, 304])

/** The answer of the last hop, its body counted and unpacked (rule E6). */
export class IncomingAnswer implements GuardedAnswer {
  readonly status: number
  readonly statusText: string
  readonly hasBody: boolean
  readonly #headers: IncomingHttpHeaders
  readonly #intake: AnswerIntake
  readonly #options: AnswerOptions
  readonly #coding: string | undefined
  /** What the coding's decoder gives; made when it is asked first. */
  #decoded: AsyncGenerator<Bytes> | undefined
  #arrived = 0
  #unpacked = 0
  /** Set once nothing more is read, with what failed if that is why. */
  #end: { error?: unknown } | undefined

  /**
   * Throws `upstream_failed` for a status that no answer has, and for more than one content coding: each would multiply
   * the work of the one before.
   */
  constructor({ status, statusText, headers }: AnswerHead, intake: AnswerIntake, options: AnswerOptions) {
    this.#options = options
    if (status > 599) throw upstreamFailed(options.shown, `answered the status ${status}`, undefined, false)
    const codings = contentCodings(headers['content-encoding'])
    if (codings.length > 1) throw upstreamTooLarge(options.shown, 'answered with more than one content coding')
    this.status = status
    this.statusText = statusText
    this.hasBody = options.method !== 'HEAD' && !withoutBody.has(status)
    this.#headers = headers
    this.#intake = intake
    this.#coding = this.hasBody && isKnownCoding(codings[0]) ? codings[0] : undefined
    if (!this.hasBody) this.discard()
  }

  get url(): string {
    return this.#options.url.href
  }

  get redirected(): boolean {
    return this.#options.redirected
  }

  header(name: string): string | null {
    if (!Object.hasOwn(this.#headers, name) || this.#isOfTheWire(name)) return null
    const value = this.#headers[name]
    return Array.isArray(value) ? value.join(', ') : (value ?? null)
  }

  /** All headers, one for each value. */
  *headers(): Generator<readonly [name: string, value: string]> {
    for (const [name, value] of Object.entries(this.#headers)) {
      if (this.#isOfTheWire(name)) continue
      for (const each of [value ?? []].flat()) yield [name, each]
    }
  }

  async read(): Promise<Bytes | undefined> {
    if (this.#end !== undefined) {
      // A body that failed must not look as if it had ended when it is asked again.
      if ('error' in this.#end) throw this.#end.error
      return undefined
    }
    try {
      this.#options.check()
      const chunk = await (this.#coding === undefined ? this.#readRaw() : this.#readDecoded(this.#coding))
      if (chunk === undefined) this.#close({})
      return chunk
    } catch (failure) {
      const error = this.#options.toError(failure)
      this.#leave({ error })
      throw error
    }
  }

  async bytes(): Promise<Bytes> {
    const chunks: Bytes[] = []
    for (;;) {
      const chunk = await this.read()
      if (chunk !== undefined) chunks.push(chunk)
      else if (chunks.length === 1 && chunks[0] !== undefined) return chunks[0]
      else return new Uint8Array(Buffer.concat(chunks))
    }
  }

  discard(): void {
    this.#leave({})
  }

  #leave(end: { error?: unknown }): void {
    if (this.#end !== undefined) return
    this.#close(end)
    this.#intake.abort(new Error('The answer is not read any further'))
    this.#decoded?.return(undefined).catch(() => {})
  }

  #close(end: { error?: unknown }): void {
    this.#end = end
    this.#options.onEnd()
  }

  /** What arrives and what it unpacks to are both counted: either may be endless while the other is small. */
  async #readRaw(): Promise<Bytes | undefined> {
    const chunk = await this.#intake.read()
    this.#arrived += chunk?.byteLength ?? 0
    this.#checkSize(this.#arrived)
    return chunk
  }

  async #readDecoded(coding: string): Promise<Bytes | undefined> {
    this.#decoded ??= decoded(() => this.#readRaw(), coding)
    const { done, value } = await this.#decoded.next()
    if (done) return undefined
    this.#unpacked += value.byteLength
    this.#checkSize(this.#unpacked)
    return value
  }

  #checkSize(size: number): void {
    const { maxResponseBytes, shown } = this.#options
    if (size > maxResponseBytes) throw upstreamTooLarge(shown, `answered more than ${maxResponseBytes} bytes`)
  }

  /** Such headers describe bytes that nobody gets to see. */
  #isOfTheWire(name: string): boolean {
    return this.#coding !== undefined && (name === 'content-encoding' || name === 'content-length')
  }
}
