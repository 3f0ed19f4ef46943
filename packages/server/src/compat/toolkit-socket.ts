import { isAtpError, type Logger, toWireError } from '@atp/core'
import { closeCodes, isJsonObject, parseJson, type ResultFrame } from '@atp/core/protocol'
import type { SocketDelivery } from '../delivery/socket.ts'
import type { PeerDialect } from '../gateway/peer-socket.ts'
import type { SocketRoute } from '../gateway/socket-route.ts'
import type { ServerLimits } from '../limits.ts'
import type { LegacyPeer } from './legacy-peer.ts'
import type { LegacyProcesses } from './legacy-processes.ts'
import { failedResult, readLegacyResult } from './legacy-result.ts'
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
  const response = readResponse(text, limits.resultBytes, peer)
  if (response === undefined) {
    // Other types, those of app sessions among them, are for other servers.
    logger.debug('toolkit.message_ignored', { toolkitId: peer.toolkitId })
    return
  }
  peer.answered(response.requestId)
  delivery.onResult(peer, response)
}

/** Undefined for what answers no call. */
function readResponse(text: string, maxResultBytes: number, peer: LegacyPeer): ResultFrame | undefined {
  let message: unknown
  try {
    message = parseJson(text, responseLimits)
  } catch (error) {
    if (!isAtpError(error)) throw error
    // An answer with NaN in it, which Python writes, still ends its call: the caller must not wait for the deadline.
    const requestId = memberText(text, 'request_id')
    const problem = `The toolkit sent an answer that cannot be read: ${error.message}`
    return requestId === undefined ? undefined : failedResult(requestId, 'invalid_result', problem)
  }
  if (!isJsonObject(message) || typeof message.request_id !== 'string') return undefined
  const { type, request_id: id, result = null } = message
  if (type === 'tool_response') return readLegacyResult(id, result, text.length, maxResultBytes)
  const requestId = type === 'app_response' ? peer.callOfSession(id) : undefined
  if (requestId === undefined) return undefined
  const shown = readLegacyResult(requestId, result, text.length, maxResultBytes)
  // It keeps to itself whether it ended the session.
  return shown.ok ? { ...shown, result: { ui: shown.result, ended: false } } : shown
}
