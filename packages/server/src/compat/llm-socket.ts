import { AtpError, isAtpError, toWireError } from '@atp/core'
import { closeCodes, isJsonObject, parseJson } from '@atp/core/protocol'
import type { PeerDialect, PeerSocket } from '../gateway/peer-socket.ts'
import type { SocketRoute } from '../gateway/socket-route.ts'
import type { ServerLimits } from '../limits.ts'
import type { StoredKey } from '../store/store.ts'
import { authAnswer, contextErrorAnswer, otherAnswer, taskAnswer } from './llm-answers.ts'
import type { LlmService } from './llm-service.ts'
import { type CallMessage, type ContextMessage, readLlmText } from './read-llm-message.ts'
import { decodeSegment } from './socket-paths.ts'

/** What {@link createLegacyLlmGateway} needs. */
export interface LegacyLlmOptions {
  service: LlmService
  limits: ServerLimits
}

/** `/ws/v1/atp/llm-client…`: LLM clients of the Python SDK connect here, ask for contexts and call tools. */
export function createLegacyLlmGateway({ service, limits }: LegacyLlmOptions): SocketRoute<undefined> {
  return {
    // A wrong key is answered in words: a client that is refused in the handshake waits ten seconds for them.
    match(path) {
      const key = keyInPath(path)
      return key === undefined ? undefined : { laterKey: key }
    },
    kind: 'llm',
    maxFrameBytes: limits.llmFrameBytes,
    maxSocketsPerKey: limits.llmSocketsPerKey,
    greeting: {
      firstFrame: true,
      read: (text) => ({ apiKey: readAuth(text), first: undefined }),
      refuse: (socket, error) => refuseOnce(socket, error, limits.refusalDelayMs),
    },
    dialect: llmDialect,
    async welcome(socket, key) {
      const connection = new LegacyLlmConnection(socket, key, service)
      socket.onText = (text) => connection.onText(text)
      socket.onClose(() => connection.onClose())
      socket.send(JSON.stringify(authAnswer()))
    },
  }
}

const refused = new WeakSet<PeerSocket>()

/**
 * A client that is refused comes back at once, whatever for: as in a handshake, what is its own doing is told late. Its
 * place among the sockets that have not shown a key stays taken until then.
 */
function refuseOnce(socket: PeerSocket, error: unknown, delayMs: number): void {
  if (refused.has(socket)) return
  refused.add(socket)
  const wire = toWireError(error)
  const tell = (): void => {
    socket.send(JSON.stringify(authAnswer(wire)))
    socket.close(closeCodes.unauthorized, wire.message)
  }
  const isOwnFault = isAtpError(error) && error.status < 500
  const timer = setTimeout(tell, isOwnFault ? delayMs : 0)
  socket.onClose(() => clearTimeout(timer))
}

/** Clients drop types they do not know, so this costs nothing and helps whoever writes one. */
const llmDialect: PeerDialect = {
  error: (error, requestId) => JSON.stringify(otherAnswer(requestId, error)),
  drain: () => undefined,
}

/**
 * The key of an address: `…/llm-client/KEY/`, an empty one for `…/llm-client`, where it comes with auth, and `/KEY/` for
 * clients up to 0.1.7 that were given the server's address alone.
 */
function keyInPath(path: string): string | undefined {
  const bare = /^\/(atp_llm_[0-9A-Za-z]+)\/?$/.exec(path)?.[1]
  if (bare !== undefined) return bare
  const [matched, segment = ''] = /^\/ws\/v1\/atp\/llm-client(?:\/([^/]*))?\/?$/.exec(path) ?? []
  return matched === undefined ? undefined : decodeSegment(segment)
}

/** @throws AtpError `invalid_json` or `unauthorized` when it is not auth */
function readAuth(text: string): string | undefined {
  const message = parseJson(text)
  if (!isJsonObject(message) || message.type !== 'auth') {
    throw new AtpError('unauthorized', 'The first message must be auth')
  }
  const { api_key: apiKey } = message
  if (typeof apiKey === 'string' && apiKey !== '') return apiKey
  // An address may have shown it already.
  return undefined
}

/** Contexts that are looked up at once for one socket, and what their requests may keep, in characters. */
const maxContexts = 64
const maxContextChars = 4 * 1_048_576

/** One connected LLM client. */
class LegacyLlmConnection {
  readonly #socket: PeerSocket
  readonly #key: StoredKey
  readonly #service: LlmService
  /** What cancels the calls under way. */
  readonly #cancels = new Set<(reason: string) => void>()
  /** Contexts that are looked up, which may take as long as the store, and the size of their requests. */
  #contexts = 0
  #contextChars = 0

  constructor(socket: PeerSocket, key: StoredKey, service: LlmService) {
    this.#socket = socket
    this.#key = key
    this.#service = service
  }

  onText(text: string): void {
    const message = readLlmText(text)
    const { requestId } = message
    switch (message.kind) {
      case 'context':
        if (this.#socket.congested) this.#send(contextErrorAnswer(message, toWireError(notReading())))
        else void this.#context(message, text.length)
        return
      case 'call':
        if (this.#socket.congested) {
          this.#send(taskAnswer(requestId, message.tool, { ok: false, error: toWireError(notReading()) }, 'founding'))
          return
        }
        this.#call(message, text.length)
        return
      case 'auth':
        this.#send(authAnswer(toWireError(message.problem)))
        return
      case 'other':
        if (typeof requestId === 'string') this.#socket.refuse(message.problem, requestId)
        else this.#send(otherAnswer(requestId, message.problem))
        return
      default:
        message satisfies never
    }
  }

  /** Nobody waits for the results any more. */
  onClose(): void {
    for (const cancel of this.#cancels) cancel('its caller disconnected')
  }

  async #context(message: ContextMessage, requestChars: number): Promise<void> {
    this.#contexts += 1
    this.#contextChars += requestChars
    const tooMany = this.#contexts > maxContexts || (this.#contexts > 1 && this.#contextChars > maxContextChars)
    if (tooMany) this.#send(contextErrorAnswer(message, toWireError(tooManyContexts())))
    else this.#send((await this.#service.context(this.#key, message, 'founding')).body)
    this.#contexts -= 1
    this.#contextChars -= requestChars
  }

  #call(message: CallMessage, requestChars: number): void {
    let answered = false
    let cancel: ((reason: string) => void) | undefined
    cancel = this.#service.call(this.#key, message, { form: 'founding', requestChars }, ({ body }) => {
      answered = true
      if (cancel) this.#cancels.delete(cancel)
      this.#send(body)
    })
    if (!answered) this.#cancels.add(cancel)
  }

  #send(answer: Record<string, unknown>): void {
    this.#socket.send(JSON.stringify(answer))
  }
}

function tooManyContexts(): AtpError {
  return new AtpError('busy', 'Too many contexts are looked up for this socket; send the request again later')
}

function notReading(): AtpError {
  return new AtpError('busy', 'Results wait to be read on this socket; read them first')
}
