import { cancelledError } from '../dispatch/call-context.ts'
import { AtpError } from '../errors/atp-error.ts'
import { errorText } from '../errors/to-wire-error.ts'
import { encodeFrame } from '../protocol/codec.ts'
import type { Frame, LlmCallFrame } from '../protocol/frames.ts'
import { toolkitContext } from '../protocol/http-bodies.ts'
import { firstIssues } from '../protocol/tool-descriptor.ts'
import { maxTimeoutMs } from '../tool/define-tool.ts'
import type { CallWatcher, DoorCall, LlmDoor } from './llm-door.ts'
import { exceedsBytes } from './session.ts'
import { SocketLlmLink, type SocketLlmOptions } from './socket-llm-link.ts'
import type { LlmAnswer } from './socket-llm-requests.ts'

const contextTimeoutMs = 30_000
/** The server keeps a call's deadline; this much later the client stops believing in an answer. */
const graceMs = 5_000

/** One request on its way out. */
interface Question {
  makeFrame(requestId: string): Frame
  /** Names it in errors. */
  what: string
  timeoutMs: number
  signal: AbortSignal | undefined
  watcher?: CallWatcher | undefined
}

/** One WebSocket for all requests of a client; opened by the first of them and kept open. */
export function createSocketLlmDoor(options: SocketLlmOptions): LlmDoor {
  const link = new SocketLlmLink(options)
  let lastRequest = 0

  async function ask({ makeFrame, what, timeoutMs, signal, watcher }: Question): Promise<LlmAnswer> {
    if (signal?.aborted) throw cancelledError(signal.reason)
    const open = link.current ?? (await link.open(signal))
    // Both may have changed in the turn that brought the session, and nothing would end the waiting.
    if (signal?.aborted) throw cancelledError(signal.reason)
    if (link.current !== open) throw new AtpError('connection_closed', 'The connection closed as it was opened')
    const { session, requests } = open
    lastRequest += 1
    const requestId = `q${lastRequest}`
    const text = encode(makeFrame(requestId), what)
    const { maxFrameBytes } = session.welcome.limits
    if (exceedsBytes(text, maxFrameBytes)) {
      // Sent, it would make the server close the socket under all other calls.
      throw new AtpError('payload_too_large', `${what}: the request is larger than ${maxFrameBytes} bytes of JSON`)
    }
    const onExpire = (): AtpError => {
      session.send({ type: 'cancel', requestId, reason: 'the caller waited long enough' })
      return new AtpError('deadline_exceeded', `${what}: the server did not answer within ${timeoutMs} ms`)
    }
    // Made at call time, so that its stack shows the caller.
    const answer = requests.wait(requestId, { watcher, timeoutMs, onExpire })
    session.sendText(text)
    // Returning the promise itself would take two turns of the microtask queue more.
    if (!signal) return await answer
    const onAbort = (): void => {
      const reason = typeof signal.reason === 'string' ? signal.reason : undefined
      session.send({ type: 'cancel', requestId, reason })
      requests.reject(requestId, cancelledError(signal.reason))
    }
    signal.addEventListener('abort', onAbort)
    try {
      return await answer
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  function askForCall(request: DoorCall, how: Pick<LlmCallFrame, 'stream' | 'detach'>): Promise<LlmAnswer> {
    const { toolkitId, tool, params, provider, authToken, timeoutMs, idempotencyKey, externalUserId, app, meta } =
      request
    return ask({
      makeFrame: (requestId) => ({
        type: 'call',
        requestId,
        toolkitId,
        tool,
        params,
        provider,
        authToken,
        timeoutMs,
        idempotencyKey,
        externalUserId,
        app,
        meta,
        stream: how.stream,
        detach: how.detach,
      }),
      what: `Tool "${tool}"`,
      timeoutMs: (timeoutMs ?? maxTimeoutMs) + graceMs,
      signal: request.signal,
      watcher: request.watcher,
    })
  }

  return {
    async context({ toolkitId, provider, userPrompt, signal }) {
      const what = `Context of toolkit "${toolkitId}"`
      const answer = await ask({
        makeFrame: (requestId) => ({ type: 'context', requestId, toolkitId, provider, userPrompt }),
        what,
        timeoutMs: contextTimeoutMs,
        signal,
      })
      const context = toolkitContext.safeParse(answer.type === 'context' ? answer.context : answer)
      if (context.success) return context.data
      throw new AtpError('protocol_error', `${what}: the server's answer cannot be read: ${firstIssues(context.error)}`)
    },
    async call(request) {
      const answer = await askForCall(request, request.watcher ? { stream: true } : {})
      if (answer.type === 'result') return answer.result
      throw new AtpError('protocol_error', `Tool "${request.tool}": the server's answer is no result`)
    },
    async detach(request) {
      const answer = await askForCall(request, { detach: true })
      if (answer.type === 'accepted') return answer.callId
      throw new AtpError('unsupported', `Tool "${request.tool}": the server ran the call instead of storing it`)
    },
    // The founding wire has no keys: there a call that has one is refused.
    keepsKeys: async () => true,
    async close() {
      link.close()
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
