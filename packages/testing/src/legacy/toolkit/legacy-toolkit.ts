import { setImmediate as turn } from 'node:timers/promises'
import { socketBase } from '../http.ts'
import { LegacyRefusal, Problems } from '../legacy-break.ts'
import { isAtLeast, referenceVersion, type SdkVersion, toolkitSocketPath } from '../sdk-version.ts'
import { pollInbox } from './inbox-polling.ts'
import { type LegacyTool, runTool } from './legacy-tool.ts'
import { LegacyRegistration } from './registration.ts'
import { runToolkitSession, type ToolRequest } from './toolkit-session.ts'

/** How a {@link LegacyToolkit} is made. */
export interface LegacyToolkitOptions {
  baseUrl: string
  /** Goes into URLs as it is. */
  apiKey: string
  appName: string
  tools: readonly LegacyTool[]
  /** @default '0.2.5' */
  version?: SdkVersion | undefined
  /** `http` polls the inbox; 0.1.6 and later. @default 'ws' */
  protocol?: 'ws' | 'http' | undefined
  /** Comes back at once, without any pause, whenever a socket ends. @default true */
  reconnect?: boolean | undefined
  /** Milliseconds. @default 30_000 */
  pingIntervalMs?: number | undefined
  /** The pause after each poll, in milliseconds. @default 30_000 */
  pollPauseMs?: number | undefined
  /** Leaves `source_code` out of registrations. @default false */
  withoutSource?: boolean | undefined
}

/**
 * A toolkit as the Python SDK connects it: registers its tools, serves them one at a time inside its read loop, comes
 * back at once when its socket ends. Where the SDK would break it keeps a problem, which its disposal throws.
 */
export class LegacyToolkit implements AsyncDisposable {
  readonly registration: LegacyRegistration
  /** All requests that arrived, as they came; those for unknown tools too, which get no answer. */
  readonly requests: ToolRequest[] = []
  /** How often it tried to connect. */
  attempts = 0
  /** How many handshakes succeeded, greeted or not. */
  accepted = 0
  /** How often it was greeted, or polled well. */
  greetings = 0
  readonly #options: LegacyToolkitOptions
  readonly #version: SdkVersion
  readonly #problems = new Problems()
  readonly #tools: ReadonlyMap<string, LegacyTool>
  readonly #stopping = new AbortController()
  #registered: Promise<void> | undefined
  #serving: Promise<void> = Promise.resolve()
  #session: AbortController | undefined

  constructor(options: LegacyToolkitOptions) {
    this.#options = options
    this.#version = options.version ?? referenceVersion
    if (options.protocol === 'http' && !isAtLeast(this.#version, '0.1.6')) {
      throw new Error(`SDK ${this.#version} has no inbox`)
    }
    this.#tools = new Map(options.tools.map((tool) => [tool.name, tool]))
    const { baseUrl, apiKey, appName, withoutSource } = options
    const version = this.#version
    this.registration = new LegacyRegistration({
      ...{ baseUrl, apiKey, appName, withoutSource, version },
      problems: this.#problems,
    })
  }

  get appName(): string {
    return this.#options.appName
  }

  get apiKey(): string {
    return this.#options.apiKey
  }

  /** Registers all tools, as importing a Python module does. Once; later calls wait for the first. */
  register(): Promise<void> {
    this.#registered ??= (async () => {
      for (const tool of this.#options.tools) await this.registration.add(tool)
    })()
    return this.#registered
  }

  /**
   * Registers and serves; resolves when the server has greeted it, or answered its first poll.
   * @throws LegacyRefusal without `reconnect`, when the server wants nothing of it
   */
  async start(): Promise<void> {
    await this.register()
    await this.registration.confirm()
    await this.connect()
  }

  /** Serves without registering anything. Otherwise like {@link start}. */
  async connect(): Promise<void> {
    const greeted = Promise.withResolvers<void>()
    const onGreeting = (): void => {
      this.greetings += 1
      greeted.resolve()
    }
    const serving = this.#options.protocol === 'http' ? this.#poll(onGreeting) : this.#keepSocket(onGreeting)
    this.#serving = serving.then(
      () => greeted.reject(new LegacyRefusal('the toolkit ended without a greeting', undefined, undefined)),
      (error: unknown) => greeted.reject(error),
    )
    await greeted.promise
  }

  /** Ends the socket as a lost connection does; the toolkit comes back unless told not to. */
  drop(): void {
    this.#session?.abort()
  }

  /** What the SDK would have broken on; seen from now on. */
  takeProblems(): string[] {
    return this.#problems.take()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#session?.abort()
    await this.#serving
  }

  /** Stops. @throws LegacyBreak for problems that nobody took */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    this.#problems.check(`legacy toolkit ${this.#options.appName} (SDK ${this.#version})`)
  }

  async #keepSocket(onGreeting: () => void): Promise<void> {
    const { baseUrl, apiKey, reconnect = true, pingIntervalMs = 30_000 } = this.#options
    const url = socketBase(baseUrl) + toolkitSocketPath(this.#version, apiKey)
    const stopping = this.#stopping.signal
    while (!stopping.aborted) {
      this.attempts += 1
      this.#session = new AbortController()
      const session = runToolkitSession({
        ...{ url, pingIntervalMs, onGreeting },
        problems: this.#problems,
        signal: this.#session.signal,
        onOpen: () => {
          this.accepted += 1
        },
        onRequest: (request) => this.#run(request),
      })
      if (!reconnect) {
        await session
        return
      }
      await session.catch(() => {})
      // No pause, but the rest of the process has to have its turn.
      await turn()
    }
  }

  async #poll(onPolled: () => void): Promise<void> {
    const { baseUrl, apiKey, pollPauseMs = 30_000 } = this.#options
    await pollInbox({
      ...{ baseUrl, apiKey, pollPauseMs, onPolled },
      version: this.#version,
      problems: this.#problems,
      signal: this.#stopping.signal,
      onRequest: (request) => this.#run(request),
      exchangeToken: (tool) => this.registration.exchangeTokens.get(tool),
    })
  }

  async #run(request: ToolRequest): Promise<{ result: unknown } | undefined> {
    this.requests.push(request)
    const tool = this.#tools.get(String(request.tool_name))
    if (tool === undefined) return undefined
    return { result: await runTool(tool, request.params, request.auth_token, this.#version) }
  }
}
