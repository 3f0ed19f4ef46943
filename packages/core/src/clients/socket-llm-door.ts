import { cancelledError } from '../dispatch/call-context.ts'
import { AtpError } from '../errors/atp-error.ts'
import { errorText } from '../errors/to-wire-error.ts'
import type { Logger } from '../logging/logger.ts'
import { decodeToLlm, encodeFrame } from '../protocol/codec.ts'
import type { Frame, ToLlmFrame } from '../protocol/frames.ts'
import { toolkitContext } from '../protocol/http-bodies.ts'
import { firstIssues } from '../protocol/tool-descriptor.ts'
import { maxTimeoutMs } from '../tool/define-tool.ts'
import type { BackoffOptions } from '../transport/backoff.ts'
import { PendingRequests } from '../transport/pending-requests.ts'
import type { Connect } from '../transport/transport.ts'
import { connectWebSocket } from '../transport/websocket.ts'
import { Connection, lostError } from './connection.ts'
import { type LegacyFallback, withLegacyFallback } from './legacy/legacy-fallback.ts'
import { openLegacyLlm } from './legacy/legacy-llm-link.ts'
import type { LlmDoor } from './llm-door.ts'
import { exceedsBytes, openSession, peerError, type Session } from './session.ts'

interface SocketLlmDoorOptions {
  /** `ws://…` without a path of ours. */
  baseUrl: string
  apiKey: string
  logger: Logger
  reconnectTimeoutMs: number
  backoff: BackoffOptions
  connect: Connect | undefined
  legacyFallback: LegacyFallback
}

const connectTimeoutMs = 10_000
const maxBackoffMs = 30_000
const contextTimeoutMs = 30_000
/** The server keeps a call's deadline; this much later the client stops believing in an answer. */
const graceMs = 5_000

/** One WebSocket for all requests of a client; opened by the first of them and kept open. */
export function createSocketLlmDoor(options: SocketLlmDoorOptions): LlmDoor {
  const url = `${options.baseUrl}/ws/v2/llm`
  const plainConnect = options.connect ?? connectWebSocket
  const connect = withLegacyFallback({
    mode: options.legacyFallback,
    connect: plainConnect,
    openLegacy: openLegacyLlm({ baseUrl: options.baseUrl, connect: plainConnect }),
    logger: options.logger,
  })
  // Made when connecting: some platforms have no randomness while a module loads.
  let instanceId: string | undefined
  const pending = new PendingRequests<unknown>()
  let lastRequest = 0
  const connection = new Connection({
    open: (signal, gone) => {
      instanceId ??= crypto.randomUUID()
      return openSession<ToLlmFrame>({
        url,
        apiKey: options.apiKey,
        hello: { capabilities: [], instanceId },
        connect,
        decode: decodeToLlm,
        onFrame,
        onClose(code, reason) {
          pending.rejectAll(() => lostError(code, reason))
          gone(code, reason)
        },
        onBadFrame(error, requestId) {
          options.logger.warn('frame.unreadable', { error: error.message })
          if (requestId === undefined) return
          const message = `The server sent an answer that cannot be read: ${error.message}`
          pending.reject(requestId, new AtpError('protocol_error', message))
        },
        timeoutMs: connectTimeoutMs,
        signal,
      })
    },
    onState: () => {},
    failFast: true,
    // An attempt that is further away than a call waits would let calls fail although the server is back.
    backoff: { maxMs: Math.min(maxBackoffMs, Math.max(1, options.reconnectTimeoutMs / 2)), ...options.backoff },
    logger: options.logger,
  })

  function onFrame(frame: ToLlmFrame): void {
    switch (frame.type) {
      case 'result':
        if (frame.ok) pending.resolve(frame.requestId, frame.result)
        else pending.reject(frame.requestId, peerError(frame.error))
        return
      case 'context':
        pending.resolve(frame.requestId, frame.context)
        return
      case 'error':
        if (frame.requestId !== undefined) pending.reject(frame.requestId, peerError(frame.error))
        else options.logger.warn('server.error', { code: frame.error.code, error: frame.error.message })
        return
      case 'drain':
        options.logger.info('server.draining', { deadlineMs: frame.deadlineMs })
        return
      case 'welcome':
      case 'ack':
      case 'progress':
      case 'chunk':
        return
      default:
        frame satisfies never
    }
  }

  /** The session of this moment, or the one that comes back within the time a call is willing to wait. */
  async function session(signal: AbortSignal | undefined): Promise<Session> {
    const patience = new AbortController()
    const timer = setTimeout(() => {
      const message = `No connection to ${url} within ${options.reconnectTimeoutMs} ms`
      patience.abort(new AtpError('connection_failed', message))
    }, options.reconnectTimeoutMs)
    const onAbort = (): void => patience.abort(cancelledError(signal?.reason))
    signal?.addEventListener('abort', onAbort)
    try {
      return await connection.start(patience.signal)
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  async function ask(
    makeFrame: (requestId: string) => Frame,
    what: string,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    if (signal?.aborted) throw cancelledError(signal.reason)
    const open = connection.session ?? (await session(signal))
    // Both may have changed in the turn that brought the session, and nothing would end the waiting.
    if (signal?.aborted) throw cancelledError(signal.reason)
    if (connection.session !== open) throw new AtpError('connection_closed', 'The connection closed as it was opened')
    lastRequest += 1
    const requestId = `q${lastRequest}`
    const text = encode(makeFrame(requestId), what)
    const { maxFrameBytes } = open.welcome.limits
    if (exceedsBytes(text, maxFrameBytes)) {
      // Sent, it would make the server close the socket under all other calls.
      throw new AtpError('payload_too_large', `${what}: the request is larger than ${maxFrameBytes} bytes of JSON`)
    }
    // Made at call time, so that its stack shows the caller.
    const answer = pending.wait(requestId, timeoutMs, () => {
      open.send({ type: 'cancel', requestId, reason: 'the caller waited long enough' })
      return new AtpError('deadline_exceeded', `${what}: the server did not answer within ${timeoutMs} ms`)
    })
    open.sendText(text)
    if (!signal) return answer
    const onAbort = (): void => {
      const reason = typeof signal.reason === 'string' ? signal.reason : undefined
      open.send({ type: 'cancel', requestId, reason })
      pending.reject(requestId, cancelledError(signal.reason))
    }
    signal.addEventListener('abort', onAbort)
    return answer.finally(() => signal.removeEventListener('abort', onAbort))
  }

  return {
    async context({ toolkitId, provider, userPrompt, signal }) {
      const what = `Context of toolkit "${toolkitId}"`
      const answer = await ask(
        (requestId) => ({ type: 'context', requestId, toolkitId, provider, userPrompt }),
        what,
        contextTimeoutMs,
        signal,
      )
      const context = toolkitContext.safeParse(answer)
      if (context.success) return context.data
      throw new AtpError('protocol_error', `${what}: the server's answer cannot be read: ${firstIssues(context.error)}`)
    },
    call({ toolkitId, tool, params, provider, authToken, timeoutMs, signal }) {
      return ask(
        (requestId) => ({ type: 'call', requestId, toolkitId, tool, params, provider, authToken, timeoutMs }),
        `Tool "${tool}"`,
        (timeoutMs ?? maxTimeoutMs) + graceMs,
        signal,
      )
    },
    async close() {
      pending.rejectAll(() => new AtpError('client_stopped', 'The client was closed'))
      connection.stop()
    },
  }
}

/** @throws AtpError `invalid_params` when what the caller gave has no JSON form */
function encode(frame: Frame, what: string): string {
  try {
    return encodeFrame(frame)
  } catch (error) {
    throw new AtpError('invalid_params', `${what}: the arguments are not JSON: ${errorText(error).split('\n')[0]}`, {
      cause: error,
    })
  }
}
