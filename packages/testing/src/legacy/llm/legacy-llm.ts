import { randomUUID } from 'node:crypto'
import { LegacyBreak, LegacyRefusal, Problems } from '../legacy-break.ts'
import { isObject } from '../python-json.ts'
import { isAtLeast, referenceVersion, type SdkVersion } from '../sdk-version.ts'
import type { WireFrame } from '../wire-socket.ts'
import { LegacyLlmHttp } from './llm-http.ts'
import {
  contextMessage,
  type LegacyCallRequest,
  type LegacyContextRequest,
  type LegacyOutcome,
  readContext,
  readOutcome,
  taskMessage,
} from './llm-messages.ts'
import { LegacyLlmSocket } from './llm-socket.ts'

/** How a {@link LegacyLlm} is made. */
export interface LegacyLlmOptions {
  /** Without a path, or with the whole path of the LLM socket, as gen 1 users write it. */
  baseUrl: string
  apiKey: string
  /** @default '0.2.5' */
  version?: SdkVersion | undefined
  /** `http` since 0.1.5. @default 'ws' */
  protocol?: 'ws' | 'http' | undefined
  /** How long a context may take, in milliseconds. @default 30_000 */
  contextTimeoutMs?: number | undefined
  /** How long a call may take, in milliseconds. @default 120_000 */
  timeoutMs?: number | undefined
}

/**
 * An agent's client as the Python SDK is one, over its socket or HTTP. Throws a `LegacyBreak` where the SDK would break,
 * wait in vain, or show a model nothing; what answers no request is a problem, which its disposal throws.
 */
export class LegacyLlm implements AsyncDisposable {
  readonly #options: LegacyLlmOptions
  readonly #version: SdkVersion
  readonly #protocol: 'ws' | 'http'
  readonly #problems = new Problems()
  readonly #socket: LegacyLlmSocket
  readonly #http: LegacyLlmHttp

  constructor(options: LegacyLlmOptions) {
    this.#options = options
    this.#version = options.version ?? referenceVersion
    this.#protocol = options.protocol ?? 'ws'
    if (this.#protocol === 'http' && !isAtLeast(this.#version, '0.1.5')) {
      throw new Error(`SDK ${this.#version} has no HTTP`)
    }
    const { baseUrl, apiKey } = options
    const version = this.#version
    this.#socket = new LegacyLlmSocket({ baseUrl, apiKey, version, problems: this.#problems })
    this.#http = new LegacyLlmHttp({ baseUrl, apiKey, version })
  }

  /** Opens the socket before the first request needs it. @throws LegacyRefusal for a wrong key */
  connect(): Promise<void> {
    return this.#socket.connect()
  }

  /**
   * The context of a toolkit, as it is returned to the SDK's user: `payload`.
   * @throws LegacyRefusal over HTTP for any status but 2xx
   */
  async getToolkitContext(request: LegacyContextRequest): Promise<WireFrame> {
    return readContext(this.#version, this.#protocol, await this.contextFrame(request))
  }

  /** The whole answer to a request for a context. */
  async contextFrame(request: LegacyContextRequest): Promise<WireFrame> {
    const message = contextMessage(this.#head(), request)
    if (this.#protocol === 'ws') {
      return this.#socket.ask(message, 'toolkit_context', this.#options.contextTimeoutMs ?? 30_000)
    }
    const { status, json, text } = await this.#http.process(message)
    if (status < 200 || status > 299) throw new LegacyRefusal(`process/ answered ${status} ${text}`, status, json)
    return this.#mine(json, 'toolkit_context', message)
  }

  /** Calls one tool. */
  async callTool(request: LegacyCallRequest): Promise<LegacyOutcome> {
    const message = taskMessage(this.#head(), request)
    if (this.#protocol === 'ws') {
      const frame = await this.#socket.ask(message, 'task_response', this.#options.timeoutMs ?? 120_000)
      return readOutcome(this.#version, frame)
    }
    const { status, json, text } = await this.#http.process(message)
    if (status < 200 || status > 299) {
      const seen = status === 401 || status === 403 ? new LegacyRefusal(text, status, json) : undefined
      throw seen ?? new LegacyBreak(`a call was answered with ${status} ${text}: the model is shown {}`)
    }
    return readOutcome(this.#version, this.#mine(json, 'task_response', message))
  }

  /** Calls one tool and reads the events of its answer, of which the last one counts. HTTP only. */
  async callToolStreaming(request: LegacyCallRequest): Promise<LegacyOutcome & { events: WireFrame[] }> {
    const message = taskMessage(this.#head(), request)
    const events = await this.#http.stream(message)
    const last = this.#mine(events.at(-1), 'task_response', message)
    return { ...readOutcome(this.#version, last), events }
  }

  /** Sends a message of any shape over the client's transport and gives the answer of a type. */
  async send(message: WireFrame, answerType: string): Promise<WireFrame> {
    if (this.#protocol === 'ws') return this.#socket.ask(message, answerType, this.#options.timeoutMs ?? 120_000)
    return this.#mine((await this.#http.process(message)).json, answerType, message)
  }

  /** The published toolkits. */
  listStoreToolkits(query = ''): Promise<WireFrame> {
    return this.#http.get(`store/toolkits/list/${query}`)
  }

  /** The toolkits of the key's account. */
  listMyToolkits(query = ''): Promise<WireFrame> {
    return this.#http.get(`developers/toolkits/${query}`)
  }

  /** One toolkit. @throws LegacyRefusal with 404 for one that is unknown */
  getToolkitDetails(id: string): Promise<WireFrame> {
    return this.#http.get(`store/toolkits/${id}/`)
  }

  /** One developer. @throws LegacyRefusal with 404 for one who is unknown */
  getDeveloperProfile(displayName: string): Promise<WireFrame> {
    return this.#http.get(`store/developers/${displayName}/`)
  }

  /** What the SDK would have dropped; seen from now on. */
  takeProblems(): string[] {
    return this.#problems.take()
  }

  close(): Promise<void> {
    return this.#socket.close()
  }

  /** Closes. @throws LegacyBreak for problems that nobody took */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
    this.#problems.check(`legacy LLM client (SDK ${this.#version})`)
  }

  #head(): { version: SdkVersion; requestId: string; apiKey: string } {
    return { version: this.#version, requestId: randomUUID(), apiKey: this.#options.apiKey }
  }

  #mine(json: unknown, type: string, message: WireFrame): WireFrame {
    if (isObject(json) && json.type === type && json.request_id === message.request_id) return json
    throw new LegacyBreak(`expected a ${type} for ${String(message.request_id)}, got ${JSON.stringify(json)}`)
  }
}
