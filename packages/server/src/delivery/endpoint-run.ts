import { AtpError, isAtpError, type Logger, toWireError } from '@atp/core'
import { encodeSignedCall, signedCallType } from '@atp/core/http'
import { backoffDelayMs, errorText } from '@atp/core/protocol'
import type { GuardedAnswer, GuardedFetch } from '@atp/egress'
import { type Call, disconnectedError, statusOf } from '../calls/call.ts'
import { newId } from '../keys/ids.ts'
import { logDefect } from '../logging/log-defect.ts'
import {
  type EndpointAnswer,
  type EndpointFailure,
  isSuccess,
  lost,
  readEndpointAnswer,
  undelivered,
} from './endpoint-answer.ts'
import { readEndpointEvents } from './endpoint-events.ts'
import type { EndpointSignatures, SignedContent } from './endpoint-signatures.ts'
import { endpointCallUrl } from './endpoint-url.ts'
import type { RetryBudget } from './retry-budget.ts'

/** What a run works with; shared by all of them. */
export interface EndpointRunParts {
  /** Without a limit of time: a call has its own. */
  fetch: GuardedFetch
  signatures: EndpointSignatures
  retryBudget: RetryBudget
  /** How often one call is sent at most. */
  maxAttempts: number
  resultBytes: number
  logger: Logger
}

/** One call on its way to an endpoint, from the first attempt to its outcome. */
export class EndpointRun {
  readonly #call: Call
  readonly #url: URL
  readonly #parts: EndpointRunParts
  readonly #abort = new AbortController()

  constructor(call: Call, base: string, parts: EndpointRunParts) {
    this.#call = call
    this.#url = endpointCallUrl(base, call.toolkit.appName, call.tool.name)
    this.#parts = parts
  }

  /** Nobody waits any more: ends the request, which the endpoint sees as a client that went away. */
  stop(): void {
    this.#abort.abort()
  }

  /** Sends the call until it has its outcome or is stopped. Never rejects. */
  async run(): Promise<void> {
    try {
      await this.#run()
    } catch (error) {
      logDefect(this.#parts.logger, error, { callId: this.#call.id })
      this.#call.fail(toWireError(error))
    }
  }

  async #run(): Promise<void> {
    const call = this.#call
    // What an earlier server sent, or an attempt whose answer was lost.
    let mayHaveRun = call.sent
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.#attempt()
      if (call.ended) return
      if (answer.kind === 'result') return void call.succeed(answer.result)
      this.#log(answer, attempt)
      // Both let a later call with the same idempotency key run.
      const { code } = answer.error
      const isDenied = mayHaveRun && (statusOf({ code }) === 'delivery_failed' || code === 'store_unavailable')
      const error = isDenied ? toWireError(disconnectedError(call)) : answer.error
      if (answer.kind === 'error') return void call.fail(error)
      if (answer.kind === 'not_sent') call.notWritten()
      else mayHaveRun = true
      if (!(await this.#mayGoOn(answer.kind, attempt))) return void call.fail(error)
    }
  }

  /** Waits a moment and says whether the call is sent again (rule X5). */
  async #mayGoOn(kind: 'not_sent' | 'lost', attempt: number): Promise<boolean> {
    const call = this.#call
    const { maxAttempts, retryBudget } = this.#parts
    if (attempt + 1 >= maxAttempts) return false
    if (kind === 'lost' && !call.tool.annotations.idempotent) return false
    const delayMs = backoffDelayMs(attempt)
    if (delayMs >= call.remainingMs || !retryBudget.take()) return false
    await pause(delayMs, this.#abort.signal)
    return true
  }

  async #attempt(): Promise<EndpointAnswer> {
    const call = this.#call
    const text = encodeSignedCall({
      ...{ callId: call.id, toolkit: call.toolkit.appName, tool: call.tool.name, params: call.params },
      ...{ deadlineMs: Math.ceil(call.remainingMs), meta: call.meta, stream: call.stream || undefined },
      authToken: call.tool.auth === null ? undefined : call.authToken,
    })
    const body = Buffer.from(text)
    // What may run twice is sent again under an id that was never used, also by a server that was restarted in between;
    // for anything else, the endpoint itself refuses to run one id twice.
    const id = call.tool.annotations.idempotent && call.attempts > 0 ? `${call.id}.${newId().slice(-12)}` : call.id
    const timestamp = Math.floor(Date.now() / 1_000)
    const signature = await this.#sign({ id, timestamp, body })
    if (typeof signature !== 'string') return signature
    // Ended while it waited, or while the keys were looked up: it is not sent any more.
    if (call.ended) return lost(call, 'was not asked')
    if (call.attempts === 0) this.#parts.retryBudget.count()
    call.dispatched()
    let answer: GuardedAnswer
    try {
      answer = await this.#parts.fetch.request(this.#url, {
        method: 'POST',
        headers: {
          'content-type': signedCallType,
          accept: call.stream ? 'text/event-stream' : 'application/json',
          'webhook-id': id,
          'webhook-timestamp': `${timestamp}`,
          'webhook-signature': signature,
        },
        body,
        signal: this.#abort.signal,
      })
    } catch (error) {
      return sendFailure(call, error)
    }
    call.written()
    const streams = /^text\/event-stream\b/i.test(answer.header('content-type') ?? '') && isSuccess(answer)
    const read = streams ? readEndpointEvents : readEndpointAnswer
    return await read(call, answer, this.#parts.resultBytes)
  }

  async #sign(content: SignedContent): Promise<string | EndpointFailure> {
    const call = this.#call
    try {
      const signature = await this.#parts.signatures.sign(call.toolkit, content)
      if (signature !== undefined) return signature
    } catch (error) {
      if (!isAtpError(error)) throw error
      return { kind: 'error', error: toWireError(error) }
    }
    const { appName } = call.toolkit
    return undelivered(
      call,
      `cannot be called: this server has seen no live toolkit key of it to sign with; make one with "atp keys create --kind toolkit --name ${JSON.stringify(appName)}" and give it to the app as apiKey`,
    )
  }

  #log({ kind, error: { code }, cause }: EndpointFailure, attempt: number): void {
    // What the tool itself says is nothing to worry about, and its caller's.
    if (kind === 'error' && code !== 'delivery_failed' && code !== 'toolkit_disconnected') return
    const { toolkit, id: callId } = this.#call
    // Of the URL no more than its host: the rest may hold keys.
    const where = { toolkitId: toolkit.id, callId, host: this.#url.host, attempt: attempt + 1 }
    // Not the message: it may repeat what the app said, and that what it was sent.
    const reason = cause === undefined ? {} : { reason: errorText(cause) }
    this.#parts.logger.warn('endpoint.failed', { ...where, code, ...reason })
  }
}

function sendFailure(call: Call, error: unknown): EndpointFailure {
  if (!isAtpError(error)) return lost(call, 'was not asked to the end', error)
  if (error.code === 'egress_refused') return undelivered(call, refusalText(error), error)
  // The guard says of a POST that it may be sent again only where nothing was sent.
  if (!error.retryable) return lost(call, `broke off the connection${systemCode(error)}`, error)
  const message = `The endpoint of toolkit "${call.toolkit.appName}" cannot be reached${systemCode(error)}; see that its app runs, or send the call again later`
  return { kind: 'not_sent', error: toWireError(new AtpError('toolkit_offline', message)), cause: error }
}

/** Where the endpoint is, is not its callers' business; the log of the server tells. */
function refusalText({ details }: AtpError): string {
  if (details?.rule === 'E5') return 'redirects the call, which is not followed; set the URL that it redirects to'
  return `is at an address that may not be called (rule ${String(details?.rule)}); the log of the server says why`
}

/** Such as `ECONNREFUSED`. Messages of the system would name addresses. */
function systemCode({ cause }: AtpError): string {
  const code: unknown = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' && /^[A-Z0-9_]{2,64}$/.test(code) ? ` (${code})` : ''
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', go)
      resolve()
    }
    const timer = setTimeout(go, delayMs)
    signal.addEventListener('abort', go)
    if (signal.aborted) go()
  })
}
