import { AtpError } from '../errors/atp-error.ts'
import type { WireError } from '../errors/to-wire-error.ts'
import { closeCodes } from '../protocol/close-codes.ts'
import { type Decoded, encodeFrame } from '../protocol/codec.ts'
import type { Frame, HelloFrame, WelcomeFrame } from '../protocol/frames.ts'
import type { Connect, Transport } from '../transport/transport.ts'

/** How a session is opened. */
export interface SessionOptions<In extends Frame> {
  url: string
  apiKey: string
  hello: Omit<HelloFrame, 'type' | 'protocol' | 'apiKey'>
  connect: Connect
  decode: (text: string) => Decoded<In | WelcomeFrame>
  /** Every frame after welcome. */
  onFrame(frame: In): void
  /** Once, when the peer or the network ends an opened session. */
  onClose(code: number, reason: string): void
  /** A frame that could not be read, and which request and lease it names if that could be. */
  onBadFrame(error: AtpError, requestId: string | undefined, leaseId: string | undefined): void
  /** How long the handshake, and then the welcome, may take, in milliseconds. */
  timeoutMs: number
  /** Gives up connecting and waiting for the welcome; without effect on an opened session. */
  signal: AbortSignal
}

/** A connection on which both sides said hello. */
export interface Session {
  readonly welcome: WelcomeFrame
  readonly bufferedAmount: number
  /** Whether frames can still reach the peer, as far as this side knows. */
  readonly isOpen: boolean
  /** Resolves with the milliseconds that are left when the server says that it closes this connection soon. */
  readonly draining: Promise<number>
  send(frame: Frame): void
  /** For frames that are text already. */
  sendText(text: string): void
  /** Closes the connection; nothing is told of it any more, `onClose` included. Idempotent. */
  close(code: number, reason: string): void
  /** Closes the connection as if the peer had: `onClose` is told. Idempotent. */
  giveUp(code: number, reason: string): void
}

/** The peer may miss one ping; the second one missed in a row ends the connection. */
const missedHeartbeats = 2.5

/**
 * Connects, says hello and waits for the welcome.
 * @throws AtpError `unauthorized`, `forbidden`, `toolkit_name_conflict` when trying again is useless;
 * `client_stopped` when `signal` aborts; `connection_failed` and others when trying again may help.
 */
export async function openSession<In extends Frame>(options: SessionOptions<In>): Promise<Session> {
  const { url, timeoutMs, signal } = options
  const waiting = Promise.withResolvers<WelcomeFrame>()
  // A refusal may come before anybody waits for it.
  waiting.promise.catch(() => {})
  const draining = Promise.withResolvers<number>()
  let welcomed = false
  let opened = false
  let ended = false
  let failure: AtpError | undefined
  let heartbeat: ReturnType<typeof setInterval> | undefined
  let lastActivity = performance.now()
  const fail = (error: AtpError): void => {
    failure ??= error
    waiting.reject(failure)
  }
  const hello: HelloFrame = { type: 'hello', protocol: 2, ...options.hello }
  const { transport, keySent, helloSent } = await options.connect({
    url,
    apiKey: options.apiKey,
    hello: encodeFrame(hello),
    timeoutMs,
    signal,
    handlers: {
      onActivity() {
        lastActivity = performance.now()
      },
      onMessage(text) {
        if (ended) return
        const decoded = options.decode(text)
        if (!decoded.ok) {
          options.onBadFrame(decoded.error, decoded.requestId, decoded.leaseId)
          // Waiting on would end in the same failure, late and without a reason.
          if (!welcomed) fail(new AtpError('protocol_error', `${url} sent no welcome but: ${decoded.error.message}`))
        } else if (welcomed) {
          if (decoded.frame.type === 'drain') draining.resolve(decoded.frame.deadlineMs)
          options.onFrame(decoded.frame as In)
        } else if (decoded.frame.type === 'error') fail(peerError(decoded.frame.error))
        else if (decoded.frame.type === 'welcome') {
          // Frames may follow the welcome in the same turn of the event loop.
          welcomed = true
          waiting.resolve(decoded.frame as WelcomeFrame)
        }
      },
      onClose(code, reason) {
        clearInterval(heartbeat)
        if (ended) return
        ended = true
        if (opened) options.onClose(code, reason)
        else fail(closeError(url, code, reason))
      },
    },
  })
  const onAbort = (): void => fail(new AtpError('client_stopped', `Connecting to ${url} was given up`))
  const timer = setTimeout(() => {
    fail(new AtpError('connection_failed', `${url} sent no welcome within ${timeoutMs} ms`))
  }, timeoutMs)
  signal.addEventListener('abort', onAbort)
  try {
    if (signal.aborted) onAbort()
    const key = keySent ? {} : { apiKey: options.apiKey }
    if (!helloSent) transport.send(encodeFrame({ ...hello, ...key }))
    const welcome = await waiting.promise
    // It may have ended in the very turn that brought the welcome.
    if (failure) throw failure
    opened = true
    if (transport.seesPings) heartbeat = watch(transport, welcome.heartbeatMs, () => lastActivity)
    const close = (code: number, reason: string): void => {
      ended = true
      clearInterval(heartbeat)
      transport.close(code, reason)
    }
    return {
      welcome,
      draining: draining.promise,
      get isOpen() {
        return !ended
      },
      get bufferedAmount() {
        return transport.bufferedAmount
      },
      send: (frame) => transport.send(encodeFrame(frame)),
      sendText: (text) => transport.send(text),
      close,
      giveUp(code, reason) {
        if (ended) return
        close(code, reason)
        options.onClose(code, reason)
      },
    }
  } catch (error) {
    ended = true
    transport.close(closeCodes.normal, 'no welcome')
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

/** Whether a text is longer than this many bytes, without encoding the many that are far from it. */
export function exceedsBytes(text: string, maxBytes: number): boolean {
  // A UTF-16 unit takes 1 to 3 bytes in UTF-8.
  if (text.length * 3 <= maxBytes) return false
  return text.length > maxBytes || new TextEncoder().encode(text).length > maxBytes
}

/** A failure that a peer told of, as an error of ours. */
export function peerError(error: WireError): AtpError {
  const { code, message, retryable, details } = error
  return new AtpError(code, message, { retryable, ...(details === undefined ? {} : { details }) })
}

function watch(transport: Transport, heartbeatMs: number, lastActivity: () => number): ReturnType<typeof setInterval> {
  return setInterval(() => {
    if (performance.now() - lastActivity() > heartbeatMs * missedHeartbeats) transport.terminate()
  }, heartbeatMs)
}

/** What a close before the welcome means. */
function closeError(url: string, code: number, reason: string): AtpError {
  const said = reason === '' ? `close code ${code}` : `${reason} (close code ${code})`
  if (code === closeCodes.unauthorized) return new AtpError('unauthorized', `${url} refused the API key: ${said}`)
  if (code === closeCodes.forbidden) return new AtpError('forbidden', `${url} refused the API key: ${said}`)
  if (code === closeCodes.conflict) return conflictError(url, said)
  return new AtpError('connection_failed', `${url} closed the connection: ${said}`)
}

/** What a close with 4409 means: a key of another toolkit, or another process that says it is this one. */
export function conflictError(who: string, said: string): AtpError {
  const why = said.includes('superseded') ? 'another process with the same instance id took over: ' : ''
  return new AtpError('toolkit_name_conflict', `${who}: ${why}${said}`)
}
