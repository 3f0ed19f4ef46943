import { type InvokeOutcome, invokeTool, type Tool } from '@atp/core'
import type { FoundToolkit } from '../modules/find-toolkits.ts'
import type { ForwardedCall, FromTools, ToTools } from './messages.ts'

/** The command enforces the deadlines of callers and tools; this only ends what it forgot. */
const timeoutMs = 600_000

interface Run {
  abort: AbortController
  /** Lets the tool go on after a partial result. */
  more: (() => void) | undefined
}

/** Runs the calls that the command sends, and tells it what comes of them. */
export class ToolRunner {
  readonly #toolkits: ReadonlyMap<string, FoundToolkit>
  readonly #send: (message: FromTools) => void
  readonly #runs = new Map<number, Run>()

  constructor(toolkits: ReadonlyMap<string, FoundToolkit>, send: (message: FromTools) => void) {
    this.#toolkits = toolkits
    this.#send = send
  }

  onMessage(message: ToTools): void {
    switch (message.type) {
      case 'call':
        void this.#run(message)
        return
      case 'cancel': {
        const run = this.#runs.get(message.id)
        run?.abort.abort(message.reason)
        run?.more?.()
        return
      }
      case 'more':
        this.#runs.get(message.id)?.more?.()
        return
      default:
        message satisfies never
    }
  }

  async #run({ id, ...call }: ToTools & { type: 'call' }): Promise<void> {
    const { toolkit: name, tool: toolName, app } = call
    const toolkit = this.#toolkits.get(name)
    const tool = toolkit?.registeredTools.get(toolName)
    if (toolkit === undefined || tool === undefined) {
      // The module took it away after it was loaded.
      const message = `Toolkit "${name}" has no tool "${toolName}" any more`
      this.#send({ type: 'outcome', id, outcome: failed('tool_not_found', message) })
      return
    }
    if (app !== undefined && tool.app === undefined) {
      const message = `Tool "${toolName}" of toolkit "${name}" is no app`
      this.#send({ type: 'outcome', id, outcome: failed('unsupported', message) })
      return
    }
    const run: Run = { abort: new AbortController(), more: undefined }
    this.#runs.set(id, run)
    const outcome = await this.#invoke(id, run, (app && tool.app?.toolFor(app)) ?? tool, toolkit, call)
    this.#runs.delete(id)
    this.#send({ type: 'outcome', id, outcome })
  }

  /** Resolves once the handler really ended: what it does until then belongs to the call. */
  async #invoke(
    id: number,
    run: Run,
    tool: Tool,
    { settings = {} }: FoundToolkit,
    { callId, toolkit, args, authToken, meta }: ForwardedCall,
  ): Promise<InvokeOutcome> {
    const ended = Promise.withResolvers<void>()
    const outcome = await invokeTool(tool, args, {
      callId,
      authToken,
      timeoutMs,
      signal: run.abort.signal,
      onProgress: (value) => this.#send({ type: 'progress', id, value: plain(value) }),
      onChunk: (value) => {
        if (run.abort.signal.aborted) return undefined
        this.#send({ type: 'chunk', id, value: plain(value) })
        return new Promise<void>((resolve) => {
          run.more = resolve
        })
      },
      onHandlerEnd: ended.resolve,
      logger: settings.logger,
      env: settings.env,
      exposeErrors: settings.exposeErrors,
      tracing: settings.tracing,
      toolkit,
      meta,
    })
    await ended.promise
    return outcome
  }
}

/** What no JSON can say would keep the whole message from being sent. */
function plain(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value) ?? 'null')
  } catch {
    return null
  }
}

function failed(code: 'tool_not_found' | 'unsupported', message: string): InvokeOutcome {
  return { ok: false, error: { code, message, retryable: false } }
}
