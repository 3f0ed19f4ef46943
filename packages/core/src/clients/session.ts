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
  /** Once, after welcome only. */
  onClose(code: number, reason: string): void
  /** A frame that could not be read, and which request it answers if that could be. */
  onBadFrame(error: AtpError, requestId: string | undefined): void
  /** How long the handshake, and then the welcome, may take, in milliseconds. */
  timeoutMs: number
  /** Gives up connecting. */
  signal: AbortSignal
}

/** A connection on which both sides said hello. */
export interface Session {
  readonly welcome: WelcomeFrame
  readonly bufferedAmount: number
  send(frame: Frame): void
  /** For frames that are text already. */
  sendText(text: string): void
  close(code: number, reason: string): void
}

/** The peer may miss one ping; the second one missed in a row ends the connection. */
const missedHeartbeats = 2.5

/**
 * Connects, says hello and waits for the welcome.
 * @throws AtpError `unauthorized`, `forbidden`, `toolkit_name_conflict` when trying again is useless;
 * `connection_failed` and others when it is not.
 */
export async function openSession<In extends Frame>(options: SessionOptions<In>): Promise<Session> {
  const waiting = Promise.withResolvers<WelcomeFrame>()
  let opening = true
  let heartbeat: ReturnType<typeof setInterval> | undefined
  let lastActivity = Date.now()
  const { transport, keySent } = await options.connect({
    url: options.url,
    apiKey: options.apiKey,
    timeoutMs: options.timeoutMs,
    signal: options.signal,
    handlers: {
      onActivity() {
        lastActivity = Date.now()
      },
      onMessage(text) {
        const decoded = options.decode(text)
        if (!decoded.ok) options.onBadFrame(decoded.error, decoded.requestId)
        else if (!opening) options.onFrame(decoded.frame as In)
        else if (decoded.frame.type === 'welcome') waiting.resolve(decoded.frame as WelcomeFrame)
        else if (decoded.frame.type === 'error') waiting.reject(peerError(decoded.frame.error))
        // Frames may follow the welcome in the same turn of the event loop.
        if (decoded.ok && decoded.frame.type === 'welcome') opening = false
      },
      onClose(code, reason) {
        clearInterval(heartbeat)
        if (opening) waiting.reject(closeError(options.url, code, reason))
        else options.onClose(code, reason)
      },
    },
  })
  const timer = setTimeout(() => {
    waiting.reject(new AtpError('connection_failed', `${options.url} sent no welcome within ${options.timeoutMs} ms`))
  }, options.timeoutMs)
  try {
    const key = keySent ? {} : { apiKey: options.apiKey }
    transport.send(encodeFrame({ type: 'hello', protocol: 2, ...options.hello, ...key }))
    const welcome = await waiting.promise
    if (transport.seesPings) heartbeat = watch(transport, welcome.heartbeatMs, () => lastActivity)
    return toSession(transport, welcome)
  } catch (error) {
    transport.close(closeCodes.normal, 'no welcome')
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** A failure that a peer told of, as an error of ours. */
export function peerError(error: WireError): AtpError {
  const { code, message, retryable, details } = error
  return new AtpError(code, message, { retryable, ...(details === undefined ? {} : { details }) })
}

function watch(transport: Transport, heartbeatMs: number, lastActivity: () => number): ReturnType<typeof setInterval> {
  return setInterval(() => {
    if (Date.now() - lastActivity() > heartbeatMs * missedHeartbeats) transport.terminate()
  }, heartbeatMs)
}

function toSession(transport: Transport, welcome: WelcomeFrame): Session {
  return {
    welcome,
    get bufferedAmount() {
      return transport.bufferedAmount
    },
    send: (frame) => transport.send(encodeFrame(frame)),
    sendText: (text) => transport.send(text),
    close: (code, reason) => transport.close(code, reason),
  }
}

/** What a close before the welcome means. */
function closeError(url: string, code: number, reason: string): AtpError {
  const said = reason === '' ? `close code ${code}` : `${reason} (close code ${code})`
  if (code === closeCodes.unauthorized) return new AtpError('unauthorized', `${url} refused the API key: ${said}`)
  if (code === closeCodes.forbidden) return new AtpError('forbidden', `${url} refused the API key: ${said}`)
  if (code === closeCodes.conflict) return new AtpError('toolkit_name_conflict', `${url}: ${said}`)
  return new AtpError('connection_failed', `${url} closed the connection: ${said}`)
}
