import { canSendHeaders, openPlatformSocket, seesPings } from '#websocket'
import { AtpError } from '../errors/atp-error.ts'
import { isErrorCode } from '../errors/codes.ts'
import { isJsonObject, parseJson } from '../protocol/json.ts'
import type { PlatformSocket } from './platform-socket.ts'
import type { Connect, Transport } from './transport.ts'

/** Opens a WebSocket. */
export const connectWebSocket: Connect = ({ url, apiKey, handlers, timeoutMs, signal }) =>
  new Promise((resolve, reject) => {
    let connected = false
    let givenUp = false
    let socket: PlatformSocket | undefined
    const giveUp = (error: AtpError): void => {
      givenUp = true
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      reject(error)
      socket?.terminate()
    }
    const onAbort = (): void => giveUp(new AtpError('client_stopped', `Connecting to ${url} was given up`))
    const timer = setTimeout(() => {
      giveUp(new AtpError('connection_failed', `${url} did not answer within ${timeoutMs} ms`))
    }, timeoutMs)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort)
    try {
      socket = openPlatformSocket(
        url,
        { authorization: `Bearer ${apiKey}` },
        {
          opened() {
            if (givenUp) {
              socket?.terminate()
              return
            }
            clearTimeout(timer)
            signal.removeEventListener('abort', onAbort)
            connected = true
            resolve({ transport: toTransport(socket as PlatformSocket), keySent: canSendHeaders })
          },
          message(text) {
            handlers.onActivity()
            handlers.onMessage(text)
          },
          activity: () => handlers.onActivity(),
          failed: (refusal) => giveUp(refusalError(url, refusal)),
          closed: (code, reason) => connected && handlers.onClose(code, reason),
        },
      )
    } catch (error) {
      giveUp(
        new AtpError('connection_failed', `Cannot connect to ${url}: ${(error as Error).message}`, { cause: error }),
      )
    }
  })

function toTransport(socket: PlatformSocket): Transport {
  return {
    send: (text) => socket.send(text),
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
    ...(socket.ping === undefined ? {} : { ping: () => socket.ping?.() }),
    get bufferedAmount() {
      return socket.bufferedAmount
    },
    seesPings,
  }
}

interface Refusal {
  message: string
  status?: number
  body?: string
  retryAfterMs?: number
}

function refusalError(url: string, refusal: Refusal): AtpError {
  const { status, body, retryAfterMs } = refusal
  const details = {
    ...(status === undefined ? {} : { status }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
  const told = readBody(body)
  // Whoever answers 401 or 403, a proxy included, does not take this key; a 5xx never says that.
  if (status === 401 || status === 403) {
    const code = status === 401 ? 'unauthorized' : 'forbidden'
    return new AtpError(code, told?.message ?? `The server at ${url} refused the API key (${status})`, { details })
  }
  if (told && status !== undefined && status < 500) return new AtpError(told.code, told.message, { details })
  return new AtpError('connection_failed', `Cannot connect to ${url}: ${refusal.message}`, { details })
}

function readBody(body: string | undefined): { code: ReturnType<typeof codeOf>; message: string } | undefined {
  if (!body) return undefined
  try {
    const value = parseJson(body)
    if (!isJsonObject(value) || typeof value.error !== 'string') return undefined
    return { code: codeOf(value.code), message: value.error }
  } catch {
    return undefined
  }
}

function codeOf(code: unknown): AtpError['code'] {
  return isErrorCode(code) ? code : 'connection_failed'
}
