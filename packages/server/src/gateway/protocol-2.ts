import { AtpError, toWireError } from '@atp/core'
import { closeCodes, decodeFromLlm, encodeFrame, errorFrame, type HelloFrame } from '@atp/core/protocol'
import type { PeerDialect } from './peer-socket.ts'
import type { Greeting } from './socket-route.ts'

/** What the server says of itself in protocol 2. */
export const protocol2Dialect: PeerDialect = {
  error: (error, requestId) => encodeFrame(errorFrame(error, requestId)),
  drain: (deadlineMs) => encodeFrame({ type: 'drain', deadlineMs }),
}

/** Protocol 2 begins with hello, which carries the key only where headers cannot be set. */
export const helloGreeting: Greeting<HelloFrame> = {
  firstFrame: true,
  read(text) {
    // Hello is the same for both kinds of peers.
    const decoded = decodeFromLlm(text)
    if (!decoded.ok) throw decoded.error
    if (decoded.frame.type !== 'hello') throw new AtpError('invalid_request', 'The first frame must be hello')
    return { apiKey: decoded.frame.apiKey, first: decoded.frame }
  },
  refuse(socket, error, firstFrame) {
    // Whoever asked too early still waits for an answer to that request.
    socket.send(encodeFrame(errorFrame(error, firstFrame === undefined ? undefined : requestIdOf(firstFrame))))
    const { code, message } = toWireError(error)
    socket.close(closeCodeOf(code), message)
  },
}

function requestIdOf(text: string): string | undefined {
  const decoded = decodeFromLlm(text)
  if (!decoded.ok) return decoded.requestId
  return 'requestId' in decoded.frame ? decoded.frame.requestId : undefined
}

/** The code a peer is closed with that is refused for an error. */
function closeCodeOf(code: string): number {
  if (code === 'unauthorized') return closeCodes.unauthorized
  if (code === 'forbidden') return closeCodes.forbidden
  if (code === 'toolkit_name_conflict') return closeCodes.conflict
  if (code === 'rate_limited' || code === 'store_unavailable') return closeCodes.tryAgainLater
  return code === 'internal_error' ? closeCodes.internalError : closeCodes.protocolError
}
