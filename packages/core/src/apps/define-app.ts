import { AtpError } from '../errors/atp-error.ts'
import type { AppEvent } from '../protocol/frames.ts'
import { isJsonObject } from '../protocol/json.ts'
import { defineTool } from '../tool/define-tool.ts'
import type { InferArgs } from '../tool/infer-args.ts'
import type { AppRunner, ParamsForm, Tool, ToolContext, ToolDefinition, Validation } from '../tool/tool.ts'
import { AppSessionStore, defaultSessionTimeoutMs } from './app-session-store.ts'
import type { UiContent } from './ui-node.ts'

/** What an app shows next, and what it remembers until then. The founding names `ui_content`, `app_state` are read, too. */
export interface AppStep<State = unknown> {
  ui: UiContent
  /** Null is a state. @default the state stays as it was */
  state?: State | undefined
  /** Whether the session is over. @default false */
  ended?: boolean | undefined
}

/** A session as its app sees it. */
export interface AppSessionInfo<State = unknown> {
  readonly id: string
  /** Return another one rather than change this one: nothing would undo the change when the action fails. */
  readonly state: State
}

/**
 * The code of an app. What it throws is told as a tool's failure is; the session stays as it was, as it does when the
 * caller cancels or the time is over.
 */
export interface AppHandlers<Args = Record<string, unknown>, State = unknown> {
  /** Opens a session. */
  start(args: Args, context: ToolContext): AppStep<State> | Promise<AppStep<State>>
  /** The user did something. The actions of one session come one after the other; a cancelled one is not waited for. */
  act(data: unknown, session: AppSessionInfo<State>, context: ToolContext): AppStep<State> | Promise<AppStep<State>>
  /** The caller closed the session; not called for one that expires. */
  close?(session: AppSessionInfo<State>, context: ToolContext): void | Promise<void>
}

/** What `registerApp` takes. */
export type AppDefinition<
  Params extends ParamsForm = ParamsForm,
  Required extends readonly string[] = readonly string[],
> = Omit<ToolDefinition<Params, Required>, 'output'> & {
  /** How long a session waits for its user, in milliseconds. @default 1_800_000, half an hour */
  sessionTimeoutMs?: number
}

/** What an app answers, as it travels. */
interface AppAnswer {
  ui: UiContent
  ended: boolean
}

/**
 * Makes a tool of an app: a model that calls it opens a session that ends at once; an app's host opens one that lasts.
 * @throws AtpError `invalid_name`, `invalid_schema` or `invalid_request`
 */
export function defineApp<
  const Params extends ParamsForm = undefined,
  const Required extends readonly string[] = readonly never[],
  State = unknown,
>(
  { sessionTimeoutMs = defaultSessionTimeoutMs, ...definition }: AppDefinition<Params, Required>,
  handlers: AppHandlers<InferArgs<Params, Required>, State>,
): Tool {
  if (typeof handlers?.start !== 'function' || typeof handlers.act !== 'function') {
    throw new AtpError('invalid_request', `App "${definition.name ?? ''}" needs the functions start and act`)
  }
  if (typeof sessionTimeoutMs !== 'number' || !(sessionTimeoutMs > 0)) {
    throw new AtpError('invalid_request', `App "${definition.name ?? ''}": sessionTimeoutMs must be above 0`)
  }
  const start = async (args: InferArgs<Params, Required>, context: ToolContext): Promise<AppAnswer> => {
    return { ui: readStep(await handlers.start(args, context), undefined).ui, ended: true }
  }
  const tool = defineTool(definition as ToolDefinition<Params, Required>, start)
  return { ...tool, app: createRunner(tool, handlers as unknown as AppHandlers, sessionTimeoutMs) }
}

/** What an event finds whose session ended or expired. */
const gone = Symbol('gone')

function createRunner(tool: Tool, handlers: AppHandlers, sessionTimeoutMs: number): AppRunner {
  const sessions = new AppSessionStore(sessionTimeoutMs)

  function start(sessionId: string, args: Record<string, unknown>, context: ToolContext): Promise<AppAnswer> {
    return sessions.inTurn(sessionId, context.signal, async () => {
      const { ui, state, ended } = readStep(await handlers.start(args, context), undefined)
      // Nobody has a session that was cancelled as it was opened.
      context.signal.throwIfAborted()
      if (ended) sessions.delete(sessionId)
      else sessions.set(sessionId, state)
      return { ui, ended }
    })
  }

  function act(sessionId: string, data: unknown, context: ToolContext): Promise<AppAnswer | typeof gone> {
    return sessions.inTurn(sessionId, context.signal, async () => {
      const session = sessions.get(sessionId)
      if (!session) return gone
      const { state } = session
      // Its user is there, whatever becomes of the action.
      sessions.set(sessionId, state)
      const step = readStep(await handlers.act(data, { id: sessionId, state }, context), state)
      // Nobody hears of what a cancelled action did, so it did nothing.
      context.signal.throwIfAborted()
      if (step.ended) sessions.delete(sessionId)
      else sessions.set(sessionId, step.state)
      return { ui: step.ui, ended: step.ended }
    })
  }

  function close(sessionId: string, context: ToolContext): Promise<null> {
    return sessions.inTurn(sessionId, context.signal, async () => {
      const session = sessions.get(sessionId)
      sessions.delete(sessionId)
      if (session) await handlers.close?.({ id: sessionId, state: session.state }, context)
      return null
    })
  }

  return {
    toolFor({ sessionId, event, data }: AppEvent): Tool {
      if (event === 'start') {
        const handler = (args: never, context: ToolContext): unknown => start(sessionId, args, context)
        return { ...tool, handler }
      }
      const handler = (_args: never, context: ToolContext): unknown =>
        event === 'action' ? act(sessionId, data, context) : close(sessionId, context)
      // Here, as it is no failure of the app: what its handler throws is told as one.
      const validateOutput = (value: unknown): Validation => {
        if (value !== gone) return { ok: true, value }
        throw new AtpError('not_found', `App "${tool.name}" has no session "${sessionId}"; it ended, or expired`)
      }
      // What the user did is no list of arguments.
      const inputSchema = { type: 'object' }
      return { ...tool, inputSchema, validateInput: undefined, validateOutput, tokenInArgs: false, handler }
    },
  }
}

/** Reads a step of either form. @throws Error for what is none */
function readStep(step: unknown, before: unknown): { ui: UiContent; state: unknown; ended: boolean } {
  if (!isJsonObject(step) || !('ui' in step || 'ui_content' in step)) {
    throw new Error('An app must return { ui, state }')
  }
  const { ui, ui_content, state, app_state, ended, terminate } = step
  return {
    ui: (ui ?? ui_content ?? null) as UiContent,
    state: [state, app_state, before].find((each) => each !== undefined),
    ended: ended === true || terminate === true,
  }
}
