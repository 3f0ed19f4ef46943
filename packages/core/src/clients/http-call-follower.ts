import type { ZodType } from 'zod'
import { AtpError, isAtpError } from '../errors/atp-error.ts'
import { callEvents, type TaskResponseBody, taskResponse } from '../protocol/http-bodies.ts'
import { firstIssues } from '../protocol/tool-descriptor.ts'
import type { BackoffOptions } from '../transport/backoff.ts'
import { exchange, type HttpRequest, parseAnswer, readJson, requestJson } from './http-request.ts'
import type { CallWatcher } from './llm-door.ts'
import { Patience } from './patience.ts'
import { type ServerEvent, ServerEventReader } from './server-event-reader.ts'
import type { StoredCalls } from './stored-calls.ts'

/** What a {@link HttpCallFollower} needs. */
export interface HttpCallFollowerOptions {
  /** The POST that runs the call; its time is that of the whole call. */
  request: HttpRequest
  /** Asked for what became of a call whose events are gone. */
  calls: StoredCalls
  watcher: CallWatcher
  backoff: BackoffOptions
}

const eventStream = 'text/event-stream'
/** Our servers then add events to the answer, which is all that founding ones send. */
const accept = `${eventStream}, application/vnd.atp+json`

/** Our servers show that they live every 15 s (rule T9): after so many milliseconds without a byte they are gone. */
const maxIdleMs = 37_500

/** A server that cannot be told within so many milliseconds ends the call by itself soon after. */
const cancelTimeoutMs = 2_000

/** How long an answer may go on after the outcome, in milliseconds, before its connection is given up. */
const maxRestMs = 1_000

/**
 * Runs one call and reads its events. Where the connection is lost, it goes on with the event after the last one that
 * arrived.
 */
export class HttpCallFollower {
  readonly #options: HttpCallFollowerOptions
  readonly #deadline: number
  readonly #patience: Patience
  #callId: string | undefined
  #lastEventId = 0
  /** The last event without a name: with a founding server, its answer. */
  #unnamed: string | undefined
  #outcome: TaskResponseBody['outcome'] | undefined

  constructor(options: HttpCallFollowerOptions) {
    this.#options = options
    const { request, backoff } = options
    const { signal, closed } = request
    this.#deadline = performance.now() + request.timeoutMs
    this.#patience = new Patience({ backoff, signal, closed, deadline: this.#deadline })
  }

  /** What became of the call. @throws AtpError what the server refuses it with, or why its outcome cannot be had */
  async run(): Promise<TaskResponseBody['outcome']> {
    const { request } = this.#options
    let loss: unknown
    try {
      await exchange({ ...request, accept }, (response) => this.#read(request.url, response))
      loss = new AtpError('connection_closed', `${request.url} ended its answer before the call had its outcome`)
    } catch (error) {
      loss = error
    }
    if (this.#outcome === undefined && this.#callId !== undefined) await this.#resume(this.#callId, loss)
    if (this.#outcome === undefined) throw loss
    return this.#outcome
  }

  /**
   * Tells the server that nobody wants the outcome any more, unless it knows or is out of reach. Never rejects.
   * @param failure what `run` was rejected with
   */
  async cancel(failure: unknown): Promise<void> {
    if (this.#callId === undefined || !isAtpError(failure) || !givingUp.has(failure.code)) return
    const { request, calls } = this.#options
    const told = requestJson({
      url: `${calls.urlOf(this.#callId)}/cancel`,
      apiKey: request.apiKey,
      body: '{}',
      timeoutMs: cancelTimeoutMs,
      // The end of the client is one of the reasons to send it.
      closed: new AbortController().signal,
      fetch: request.fetch,
    })
    await told.catch(() => {})
  }

  /** Goes on where the events broke off; gives up when no connection comes. */
  async #resume(callId: string, loss: unknown): Promise<void> {
    const { request, calls } = this.#options
    const { apiKey, signal, closed, fetch } = request
    const url = `${calls.urlOf(callId)}/events`
    for (let error = loss; this.#outcome === undefined; ) {
      await this.#patience.wait(error)
      const timeoutMs = Math.max(1, Math.ceil(this.#deadline - performance.now()))
      const headers = { 'last-event-id': String(this.#lastEventId) }
      try {
        const question = { url, apiKey, accept: eventStream, headers, timeoutMs, signal, closed, fetch }
        await exchange(question, (response) => this.#read(url, response))
        error = new AtpError('connection_closed', `${url} ended before the call had its outcome`)
      } catch (failure) {
        if (isAtpError(failure) && (failure.code === 'gone' || failure.code === 'not_found')) {
          await this.#ask(callId)
          return
        }
        error = failure
      }
    }
  }

  /** What arrived meanwhile is lost, but the outcome may be known. */
  async #ask(callId: string): Promise<void> {
    const { signal } = this.#options.request
    try {
      this.#outcome = await this.#options.calls.outcome(callId, { deadline: this.#deadline, signal })
    } catch (error) {
      if (!isAtpError(error) || error.code !== 'not_found') throw error
      const message = `The connection was lost, and the server does not know what became of call ${callId}`
      throw new AtpError('outcome_unknown', message, { cause: error })
    }
  }

  async #read(url: string, response: Response): Promise<void> {
    const type = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
    if (type !== eventStream) {
      // A server that knows no events answers as ever.
      this.#answer(url, await readJson(url, response))
      return
    }
    if (!response.body) return
    const reader = response.body.getReader()
    const events = new ServerEventReader()
    let lastByte = performance.now()
    const watch = setInterval(() => {
      // Founding servers are silent until they have the answer.
      if (this.#callId !== undefined && performance.now() - lastByte > maxIdleMs) void reader.cancel().catch(() => {})
    }, maxIdleMs / 5)
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        lastByte = performance.now()
        this.#patience.reached()
        for (const event of events.feed(value)) this.#take(url, event)
        if (this.#outcome !== undefined) return
      }
      this.#end(url, events.end())
    } finally {
      clearInterval(watch)
      if (this.#outcome === undefined) void reader.cancel().catch(() => {})
      else void finish(reader)
    }
  }

  #take(url: string, { id, name, data }: ServerEvent): void {
    if (this.#outcome !== undefined) return
    if (isUnnamed(name)) {
      this.#unnamed = data
      return
    }
    // After a resume, what arrived before comes again from servers that do not count exactly.
    const number = Number(id)
    if (id !== '' && number <= this.#lastEventId) return
    const { watcher } = this.#options
    if (name === 'answer') this.#answer(url, parseAnswer(url, data))
    else if (name === 'call') this.#accept(this.#parse(url, callEvents.call, data))
    else if (name === 'progress') watcher.progress(this.#parse(url, callEvents.progress, data))
    else if (name === 'chunk') {
      const chunk = this.#parse(url, callEvents.chunk, data)
      watcher.chunk(chunk.sequence, chunk.data)
    }
    if (Number.isSafeInteger(number)) this.#lastEventId = Math.max(this.#lastEventId, number)
  }

  #accept(callId: string): void {
    if (this.#callId !== undefined) return
    this.#callId = callId
    this.#options.watcher.accepted(callId)
  }

  /** The stream is over. Founding servers send lines `data: {…}`, not always with an empty line, and the last is the answer. */
  #end(url: string, last: ServerEvent | undefined): void {
    if (this.#callId !== undefined) return
    const data = last && isUnnamed(last.name) ? last.data : this.#unnamed
    const line = data?.slice(data.lastIndexOf('\n') + 1)
    if (line !== undefined && this.#outcome === undefined) this.#answer(url, parseAnswer(url, line))
  }

  #answer(url: string, body: unknown): void {
    this.#outcome = check(url, taskResponse.safeParse(body)).outcome
  }

  #parse<T>(url: string, schema: ZodType<T>, data: string): T {
    return check(url, schema.safeParse(parseAnswer(url, data)))
  }
}

/** `message` is what an event without a name is called. */
function isUnnamed(name: string): boolean {
  return name === '' || name === 'message'
}

/** What this side gives a call up for. */
const givingUp = new Set<AtpError['code']>(['cancelled', 'client_stopped', 'deadline_exceeded', 'protocol_error'])

/** Reads what is left, so that the next request finds the connection open; servers end their answer with the outcome. */
async function finish(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const timer = setTimeout(() => void reader.cancel().catch(() => {}), maxRestMs)
  try {
    while (!(await reader.read()).done);
  } catch {
    // The connection is gone, and nobody wants anything of it.
  } finally {
    clearTimeout(timer)
  }
}

/** @throws AtpError `protocol_error` */
function check<T>(url: string, parsed: ReturnType<ZodType<T>['safeParse']>): T {
  if (parsed.success) return parsed.data
  throw new AtpError('protocol_error', `The answer of ${url} cannot be read: ${firstIssues(parsed.error)}`)
}
