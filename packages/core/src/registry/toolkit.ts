import { type AppDefinition, type AppHandlers, defineApp } from '../apps/define-app.ts'
import { AtpError } from '../errors/atp-error.ts'
import { type Logger, silentLogger } from '../logging/logger.ts'
import { checkAppName, maxCaptionLength, maxInstructionsLength } from '../protocol/names.ts'
import { defineTool } from '../tool/define-tool.ts'
import type { InferArgs } from '../tool/infer-args.ts'
import type { HandlerOf, ParamsForm, Tool, ToolDefinition } from '../tool/tool.ts'
import type { Tracing } from '../tracing/tracing.ts'

/** What a toolkit tells of itself, and how its tools run. */
export interface ToolkitOptions {
  /** The toolkit's name, 1 to 128 characters. */
  appName: string
  /** One line for people and models, at most 4,096 characters. */
  caption?: string | undefined
  /** System instructions for a model that uses the toolkit, at most 65,536 characters. */
  instructions?: string | undefined
  /** The toolkit's key, `atp_toolkit_…`. Whoever presents it may run the tools through routes that name no other keys. */
  apiKey?: string | undefined
  /** Whether messages of errors that tools throw reach the caller. @default true */
  exposeErrors?: boolean | undefined
  /** What tools see as `context.env`. */
  env?: unknown
  /** @default silent */
  logger?: Logger | undefined
  /** Makes a span of each run, such as `openTelemetry()` of `@atp/core/otel`. @default none */
  tracing?: Tracing | undefined
}

/** How the doors of this package run a toolkit's tools. */
export interface ToolkitSettings {
  readonly apiKey: string | undefined
  readonly exposeErrors: boolean
  readonly env: unknown
  readonly logger: Logger
  readonly tracing: Tracing | undefined
}

/** Tools under one name. */
export class Toolkit {
  readonly appName: string
  #caption: string | undefined
  #instructions: string | undefined
  readonly #tools = new Map<string, Tool>()
  readonly #listeners = new Set<() => void>()
  readonly #settings: ToolkitSettings

  /** @throws AtpError `invalid_name` or `invalid_request` */
  constructor(options: ToolkitOptions) {
    checkAppName(options.appName)
    this.appName = options.appName
    this.#caption = checkText('caption', options.caption, maxCaptionLength)
    this.#instructions = checkText('instructions', options.instructions, maxInstructionsLength)
    const { apiKey, exposeErrors = true, env, logger = silentLogger, tracing } = options
    this.#settings = { apiKey, exposeErrors, env, logger, tracing }
  }

  /** For what runs the tools; a getter, so that no log of the toolkit shows its key. */
  get settings(): ToolkitSettings {
    return this.#settings
  }

  get caption(): string | undefined {
    return this.#caption
  }

  /** @throws AtpError `invalid_request` */
  set caption(caption: string | undefined) {
    this.#caption = checkText('caption', caption, maxCaptionLength)
    this.#changed()
  }

  get instructions(): string | undefined {
    return this.#instructions
  }

  /** @throws AtpError `invalid_request` */
  set instructions(instructions: string | undefined) {
    this.#instructions = checkText('instructions', instructions, maxInstructionsLength)
    this.#changed()
  }

  /** The tools by name, in the order they were registered. */
  get registeredTools(): ReadonlyMap<string, Tool> {
    return this.#tools
  }

  /**
   * Adds a tool. Argument types of the handler come from `params`.
   * @throws AtpError `duplicate_tool`, `invalid_name`, `invalid_schema` or `invalid_request`
   */
  registerTool<
    const Params extends ParamsForm = undefined,
    const Required extends readonly string[] = readonly never[],
  >(definition: ToolDefinition<Params, Required>, handler: HandlerOf<Params, Required>): Tool {
    return this.#add(defineTool(definition, handler))
  }

  /**
   * Adds an app: a tool that keeps sessions, each with a state, while a person uses what it shows. Models call it like
   * any tool; `llm.openApp` opens a session.
   * @throws AtpError as `registerTool`
   */
  registerApp<
    const Params extends ParamsForm = undefined,
    const Required extends readonly string[] = readonly never[],
    State = unknown,
  >(definition: AppDefinition<Params, Required>, handlers: AppHandlers<InferArgs<Params, Required>, State>): Tool {
    return this.#add(defineApp(definition, handlers))
  }

  #add(tool: Tool): Tool {
    if (this.#tools.has(tool.name)) {
      throw new AtpError(
        'duplicate_tool',
        `Toolkit "${this.appName}" has a tool "${tool.name}" already; remove it first or choose another name`,
      )
    }
    this.#tools.set(tool.name, tool)
    this.#changed()
    return tool
  }

  /** Takes a tool away; returns whether it was there. */
  removeTool(name: string): boolean {
    const removed = this.#tools.delete(name)
    if (removed) this.#changed()
    return removed
  }

  /** Calls the listener after each change of the tools or of what the toolkit tells of itself; returns what ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}

function checkText(name: string, text: string | undefined, maxLength: number): string | undefined {
  if (text === undefined || (typeof text === 'string' && text.length <= maxLength)) return text
  throw new AtpError('invalid_request', `A toolkit's ${name} must be a text of at most ${maxLength} characters`)
}
