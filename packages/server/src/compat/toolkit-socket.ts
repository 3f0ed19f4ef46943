import { AtpError, type ErrorCode, isAtpError, type Logger, toWireError } from '@atp/core'
import { closeCodes, isJsonObject, parseJson, type ResultFrame } from '@atp/core/protocol'
import type { SocketDelivery } from '../delivery/socket.ts'
import type { PeerDialect } from '../gateway/peer-socket.ts'
import type { SocketRoute } from '../gateway/socket-route.ts'
import type { ServerLimits } from '../limits.ts'
import type { LegacyPeer } from './legacy-peer.ts'
import type { LegacyProcesses } from './legacy-processes.ts'
import { memberText } from './read-llm-message.ts'
import { decodeSegment } from './socket-paths.ts'

/** What {@link createLegacyToolkitGateway} needs. */
export interface LegacyToolkitOptions {
  processes: LegacyProcesses
  delivery: SocketDelivery
  limits: ServerLimits
  logger: Logger
}

/** `/ws/v1/atp/toolkit-client/KEY/` and `/ws/v1/atp/KEY/`: toolkits of the Python SDK connect here and answer calls. */
export function createLegacyToolkitGateway(options: LegacyToolkitOptions): SocketRoute<undefined> {
  const { processes, limits } = options
  return {
    match(path) {
      const key = keyInPath(path)
      return key === undefined ? undefined : { key }
    },
    kind: 'toolkit',
    maxFrameBytes: limits.toolkitFrameBytes,
    maxSocketsPerKey: limits.toolkitSocketsPerKey,
    greeting: {
      firstFrame: false,
      read: () => ({ apiKey: undefined, first: undefined }),
      // It has no word for a refusal: no greeting, and a close.
      refuse: (socket, error) => socket.close(closeCodes.unauthorized, toWireError(error).message),
    },
    dialect: silentDialect,
    async welcome(socket, key) {
      const joined = await processes.join(socket, key, () => socket.send(greetingText))
      socket.onText = (text) => {
        if (joined.peer) onText(text, joined.peer, options)
      }
    },
  }
}

const greetingText = JSON.stringify({
  message_type: 'atp_client_connected',
  payload: { message: 'Connected to the ATP server' },
})

/** A toolkit knows two messages, and neither is about errors or shutdowns. */
const silentDialect: PeerDialect = { error: () => undefined, drain: () => undefined }

function keyInPath(path: string): string | undefined {
  const segment = /^\/ws\/v1\/atp\/(?:toolkit-client\/)?([^/]+)\/?$/.exec(path)?.[1]
  if (segment === undefined || segment === 'toolkit-client' || segment === 'llm-client') return undefined
  return decodeSegment(segment)
}

/** A result is two levels down in its message, and may be as large as any. */
const responseLimits = { maxDepth: 66, maxKeys: 1_000_000 } as const

function onText(text: string, peer: LegacyPeer, { delivery, limits, logger }: LegacyToolkitOptions): void {
  const response = readResponse(text, limits.resultBytes)
  if (response === undefined) {
    // Other types, those of app sessions among them, are for other servers.
    logger.debug('toolkit.message_ignored', { toolkitId: peer.toolkitId })
    return
  }
  peer.answered(response.requestId)
  delivery.onResult(peer, response)
}

/** Undefined for what answers no call. */
function readResponse(text: string, maxResultBytes: number): ResultFrame | undefined {
  let message: unknown
  try {
    message = parseJson(text, responseLimits)
  } catch (error) {
    if (!isAtpError(error)) throw error
    // An answer with NaN in it, which Python writes, still ends its call: the caller must not wait for the deadline.
    const requestId = memberText(text, 'request_id')
    const problem = `The toolkit sent an answer that cannot be read: ${error.message}`
    return requestId === undefined ? undefined : failed(requestId, 'invalid_result', problem)
  }
  if (!isJsonObject(message) || message.type !== 'tool_response' || typeof message.request_id !== 'string') {
    return undefined
  }
  const { request_id: requestId, result = null } = message
  const raised = errorTextOf(result)
  if (raised !== undefined) return failed(requestId, 'tool_error', raised)
  // The message is larger than the result in it: only one above the cap is worth measuring.
  if (text.length * 3 > maxResultBytes && Buffer.byteLength(JSON.stringify(result)) > maxResultBytes) {
    return failed(requestId, 'result_too_large', `The result is larger than ${maxResultBytes} bytes of JSON`)
  }
  return { type: 'result', requestId, ok: true, result }
}

function failed(requestId: string, code: ErrorCode, message: string): ResultFrame {
  const error = toWireError(new AtpError(code, message))
  // An exception without a text is told as it is.
  return { type: 'result', requestId, ok: false, error: message === '' ? { ...error, message } : error }
}

/** What a Python toolkit answers for a tool that raised: exactly `{"error": text}`. */
function errorTextOf(result: unknown): string | undefined {
  if (!isJsonObject(result) || Object.keys(result).length !== 1 || typeof result.error !== 'string') return undefined
  return result.error
}
