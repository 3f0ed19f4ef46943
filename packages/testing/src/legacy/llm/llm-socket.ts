import { socketBase } from '../http.ts'
import { LegacyBreak, LegacyRefusal, type Problems } from '../legacy-break.ts'
import { isAtLeast, llmSocketPath, type SdkVersion } from '../sdk-version.ts'
import { openWireSocket, type WireFrame, type WireSocket } from '../wire-socket.ts'

/** What {@link LegacyLlmSocket} works with. */
export interface LlmSocketOptions {
  baseUrl: string
  apiKey: string
  version: SdkVersion
  problems: Problems
}

interface Waiting {
  type: string
  resolve(frame: WireFrame): void
  reject(error: Error): void
}

/** How long the SDK waits for `auth_response`, in milliseconds. */
const authTimeoutMs = 10_000

/** The LLM client's socket: opened by the first request, again by the next one after it ended. */
export class LegacyLlmSocket {
  readonly #options: LlmSocketOptions
  readonly #waiting = new Map<string, Waiting>()
  #socket: Promise<WireSocket> | undefined

  constructor(options: LlmSocketOptions) {
    this.#options = options
  }

  /** Connects and authenticates unless it has. @throws LegacyRefusal */
  async connect(): Promise<void> {
    await this.#open()
  }

  /**
   * Sends a message and waits for the answer of its type and id.
   * @throws LegacyBreak where the SDK would wait in vain
   */
  async ask(message: WireFrame, answerType: string, timeoutMs: number): Promise<WireFrame> {
    const socket = await this.#open()
    const id = String(message.request_id)
    const answer = Promise.withResolvers<WireFrame>()
    const timer = setTimeout(() => {
      answer.reject(new LegacyBreak(`no ${answerType} came within ${timeoutMs} ms`))
    }, timeoutMs)
    this.#waiting.set(id, { type: answerType, ...answer })
    socket.send(message)
    try {
      return await answer.promise
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(id)
    }
  }

  async close(): Promise<void> {
    const socket = await this.#socket?.catch(() => undefined)
    await socket?.[Symbol.asyncDispose]()
  }

  #open(): Promise<WireSocket> {
    if (this.#socket === undefined) {
      const opening = this.#authenticate()
      this.#socket = opening
      const forget = (): void => {
        if (this.#socket === opening) this.#socket = undefined
      }
      opening.then((socket) => socket.closed.then(forget), forget)
    }
    return this.#socket
  }

  async #authenticate(): Promise<WireSocket> {
    const socket = await openWireSocket(llmUrl(this.#options))
    socket.send({ type: 'auth', api_key: this.#options.apiKey })
    const late = AbortSignal.timeout(authTimeoutMs)
    late.addEventListener('abort', () => socket.socket.terminate(), { once: true })
    const first = await socket.next()
    if (first.type !== 'auth_response') {
      await socket[Symbol.asyncDispose]()
      throw new LegacyBreak(`the first frame was ${JSON.stringify(first).slice(0, 200)}, not auth_response`)
    }
    if (first.success !== true) {
      await socket[Symbol.asyncDispose]()
      throw new LegacyRefusal(`authentication failed: ${String(first.error)}`, undefined, first)
    }
    socket.socket.on('message', (data) => this.#receive(JSON.parse(data.toString()) as WireFrame))
    void socket.closed.then((code) => {
      // The SDK waits its whole time for these.
      for (const { reject } of this.#waiting.values()) reject(new LegacyBreak(`the socket closed with ${code}`))
    })
    return socket
  }

  #receive(frame: WireFrame): void {
    const waiting = this.#waiting.get(String(frame.request_id))
    if (waiting?.type === frame.type) waiting?.resolve(frame)
    else if (waiting) waiting.reject(new LegacyBreak(`the SDK drops ${shown(frame)} and its call hangs`))
    else this.#options.problems.add(`got ${shown(frame)}, which answers nothing it asked for`)
  }
}

/** A whole path as base URL, as gen 1 users write it, is kept as it is. */
function llmUrl({ baseUrl, apiKey, version }: LlmSocketOptions): string {
  const base = socketBase(baseUrl)
  const prefix = '/ws/v1/atp/llm-client'
  if (!base.endsWith(prefix)) return base + llmSocketPath(version, apiKey)
  return isAtLeast(version, '0.1.4') ? `${base}/${apiKey}/` : base
}

function shown(frame: WireFrame): string {
  return JSON.stringify(frame).slice(0, 300)
}
