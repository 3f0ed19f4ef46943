import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Logger } from '../logging/logger.ts'
import type { AppEvent } from '../protocol/frames.ts'
import type { JsonSchema } from '../protocol/schema-limits.ts'
import type { ToolAnnotations, ToolAuth, ToolDescriptor } from '../protocol/tool-descriptor.ts'
import type { InferArgs } from './infer-args.ts'

/** Who calls, in the words of the app that mounts the tools: what its `authorize` returned. */
export interface Principal {
  readonly id: string
  /** The caller's third-party token where the app knows it; one that the caller sends goes first. */
  readonly authToken?: string | undefined
}

/** What a handler gets beside its arguments. */
export interface ToolContext {
  /** The end user's third-party token; undefined unless the tool declares `auth`. */
  readonly authToken: string | undefined
  /** Aborts when the deadline passes or the caller cancels; pass it on to `fetch` and friends. */
  readonly signal: AbortSignal
  /** The call's id, the same in the server's log. */
  readonly callId: string
  /** Tells the caller how far the call is; any JSON value, commonly `{ progress, total, message }`. */
  progress(value: unknown): void
  readonly logger: Logger
  /** What the host passes to its tools, such as a worker's bindings. */
  readonly env: unknown
  /** Who calls, where the app's own `authorize` said so; undefined for calls that came through a server. */
  readonly principal: Principal | undefined
}

/**
 * A tool's code. Returns any JSON value, or is an async generator: each yield is a partial result, and the result is
 * the generator's return value, or the list of yields when it returns nothing.
 */
export type ToolHandler<Args = Record<string, unknown>> = (args: Args, context: ToolContext) => unknown

/** A schema that both validates and describes itself; zod 4 objects do. */
export type ObjectSchema = StandardSchemaV1<unknown, Record<string, unknown>> | StandardSchemaV1

/** The four forms of `params`: Standard Schema, JSON Schema, founding name list, nothing. */
export type ParamsForm = ObjectSchema | JsonSchema | readonly string[] | undefined

/** What `registerTool` takes. Founding names (`functionName`, `authProvider`, …) are accepted beside ours. */
export interface ToolDefinition<
  Params extends ParamsForm = ParamsForm,
  Required extends readonly string[] = readonly string[],
> {
  /** 1 to 64 of `a-z A-Z 0-9 _ -`. */
  name?: string
  /** Founding name of `name`. */
  functionName?: string
  /** What the tool does and when to use it, for the model. */
  description: string
  /** A zod object, any Standard Schema that gives JSON Schema, a JSON Schema, or a list of names. @default no parameters */
  params?: Params
  /** With the list form only: the names a caller must give. */
  requiredParams?: Required
  /** The schema of the result; a result that does not fit fails the call. */
  output?: ObjectSchema | JsonSchema
  /** Which end-user credential the tool needs. */
  auth?: Partial<ToolAuth> | null
  authProvider?: string | null
  authType?: string | null
  authWith?: string | null
  annotations?: ToolAnnotations
  /** The tool's own time limit. @default 120_000, at most 600_000 */
  timeoutMs?: number
  tags?: readonly string[]
}

/** What a check of arguments or of a result says. */
export type Validation = { ok: true; value: unknown } | { ok: false; issues: { path: string; message: string }[] }

/** Runs the sessions of an app. */
export interface AppRunner {
  /** The tool that serves one event of a session. */
  toolFor(event: AppEvent): Tool
}

/** A tool ready to run: its description and its code. */
export interface Tool extends ToolDescriptor {
  /** There for apps, whose calls may be events of a session. */
  readonly app?: AppRunner | undefined
  readonly handler: ToolHandler<never>
  /** Whether the token is also `args.auth_token`, as founded. */
  readonly tokenInArgs: boolean
  /** Checks and converts arguments; undefined where names are all that is known. */
  readonly validateInput: ((args: unknown) => Validation | Promise<Validation>) | undefined
  readonly validateOutput: ((result: unknown) => Validation | Promise<Validation>) | undefined
}

/** The handler type that belongs to a definition. */
export type HandlerOf<Params, Required> = ToolHandler<InferArgs<Params, Required>>
