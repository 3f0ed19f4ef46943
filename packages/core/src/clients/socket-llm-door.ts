import { cancelledError } from '../dispatch/call-context.ts'
import { AtpError } from '../errors/atp-error.ts'
import type { Logger } from '../logging/logger.ts'
import { decodeToLlm } from '../protocol/codec.ts'
import type { Frame, ToLlmFrame } from '../protocol/frames.ts'
import { toolkitContext } from '../protocol/http-bodies.ts'
import { firstIssues } from '../protocol/tool-descriptor.ts'
import { maxTimeoutMs } from '../tool/define-tool.ts'
import type { BackoffOptions } from '../transport/backoff.ts'
import { PendingRequests } from '../transport/pending-requests.ts'
import type { Connect } from '../transport/transport.ts'
import { connectWebSocket } from '../transport/websocket.ts'
import { Connection, lostError } from './connection.ts'
import type { LlmDoor } from './llm-door.ts'
import { openSession, peerError, type Session } from './session.ts'

interface SocketLlmDoorOptions {
  /** `ws://…` without a path of ours. */
  baseUrl: string
  apiKey: string
  logger: Logger
  reconnectTimeoutMs: number
  backoff: BackoffOptions
  connect: Connect | undefined
}

const connectTimeoutMs = 10_000
const contextTimeoutMs = 30_000
/** The server keeps a call's deadline; this much later the client stops believing in an answer. */
const graceMs = 5_000

/** One WebSocket for all requests of a client; opened by the first of them and kept open. */
export function createSocketLlmDoor(options: SocketLlmDoorOptions): LlmDoor {
  const url = `${options.baseUrl}/ws/v2/llm`
  const instanceId = crypto.randomUUID()
  const pending = new PendingRequests<unknown>()
  let lastRequest = 0
  const connection = new Connection({
    open: (signal, gone) =>
      openSession<ToLlmFrame>({
        url,
        apiKey: options.apiKey,
        hello: { capabilities: [], instanceId },
        connect: options.connect ?? connectWebSocket,
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
      }),
    onState: () => {},
    failFast: true,
    backoff: options.backoff,
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
    const opening = connection.start()
    // An attempt that outlives this call's patience must not count as unhandled.
    opening.catch(() => {})
    let timer: ReturnType<typeof setTimeout> | undefined
    let onAbort: (() => void) | undefined
    const givenUp = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new AtpError('connection_failed', `No connection to ${url} within ${options.reconnectTimeoutMs} ms`))
      }, options.reconnectTimeoutMs)
      onAbort = () => reject(cancelledError(signal?.reason))
      signal?.addEventListener('abort', onAbort)
    })
    try {
      return await Promise.race([opening, givenUp])
    } finally {
      clearTimeout(timer)
      if (onAbort) signal?.removeEventListener('abort', onAbort)
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
    lastRequest += 1
    const requestId = `q${lastRequest}`
    // Made at call time, so that its stack shows the caller.
    const answer = pending.wait(requestId, timeoutMs, () => {
      return new AtpError('deadline_exceeded', `${what}: the server did not answer within ${timeoutMs} ms`)
    })
    open.send(makeFrame(requestId))
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
