import { AtpError, isAtpError } from '../errors/atp-error.ts'
import { toWireError } from '../errors/to-wire-error.ts'
import type { ToolkitContext } from '../protocol/http-bodies.ts'
import type { ProviderName } from '../providers/provider-format.ts'
import { callerCodes } from './caller-codes.ts'
import type { LlmDoor } from './llm-door.ts'
import { mergeContexts, type ToolkitsContext, type ToolRoute } from './merge-contexts.ts'

/** Which toolkits, for which provider. */
export interface ToolkitsQuestion {
  toolkits: readonly string[]
  provider: ProviderName
  userPrompt: string
  signal: AbortSignal | undefined
}

/** How many merged contexts a client remembers; an older one is asked for again. */
const maxKept = 64

/** Merged contexts of several toolkits, and where the calls of their tools go. */
export class ToolkitContexts {
  readonly #door: LlmDoor
  /** The newest context of each choice of toolkits and provider, the last used one last. */
  readonly #kept = new Map<string, ReadonlyMap<string, ToolRoute>>()

  constructor(door: LlmDoor) {
    this.#door = door
  }

  /**
   * Asks for all toolkits at once. One that cannot be had is a warning unless it is the last.
   * @throws AtpError `invalid_request` without toolkits; what the first failed with when all did, or when no toolkit
   * could be had: `unauthorized`, `connection_failed`, `cancelled`, …
   */
  async get(question: ToolkitsQuestion): Promise<ToolkitsContext> {
    const { toolkits, provider, userPrompt, signal } = question
    checkToolkits(toolkits)
    const answers = await Promise.allSettled(
      toolkits.map((toolkitId) => this.#door.context({ toolkitId, provider, userPrompt, signal })),
    )
    const failures = answers.map((answer) => (answer.status === 'rejected' ? (answer.reason as unknown) : undefined))
    const fatal = failures.find((error) => error !== undefined && (!isAtpError(error) || callerCodes.has(error.code)))
    if (fatal !== undefined) throw fatal
    const contexts = answers.flatMap((answer): ToolkitContext[] =>
      answer.status === 'fulfilled' ? [answer.value] : [],
    )
    if (contexts.length === 0) throw failures[0]
    const unavailable = failures.flatMap((error, index) => {
      if (error === undefined) return []
      const { code, message } = toWireError(error)
      return [{ toolkit: toolkits[index] as string, tool: '', provider, code, message }]
    })
    const merged = mergeContexts(contexts, { provider, userPrompt, unavailable })
    this.#keep(keyOf(question), merged.routes)
    return merged
  }

  /**
   * Where calls of these names go: by the context that the model was given last, asked for anew where that does not
   * have all of them, which another process may have fetched.
   * @throws AtpError see `get`
   */
  async routes(question: ToolkitsQuestion, names: readonly string[]): Promise<ReadonlyMap<string, ToolRoute>> {
    checkToolkits(question.toolkits)
    const kept = this.#kept.get(keyOf(question))
    if (kept && names.every((name) => kept.has(name))) {
      this.#keep(keyOf(question), kept)
      return kept
    }
    const { routes } = await this.get(question)
    // A tool that is gone now still was offered: its toolkit says what became of it.
    return kept ? new Map([...kept, ...routes]) : routes
  }

  #keep(key: string, routes: ReadonlyMap<string, ToolRoute>): void {
    this.#kept.delete(key)
    this.#kept.set(key, routes)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > maxKept && oldest !== undefined) this.#kept.delete(oldest)
  }
}

function keyOf({ toolkits, provider }: ToolkitsQuestion): string {
  return JSON.stringify([provider, ...toolkits])
}

function checkToolkits(toolkits: readonly string[]): void {
  if (Array.isArray(toolkits) && toolkits.length > 0 && toolkits.every((each) => typeof each === 'string')) return
  throw new AtpError('invalid_request', 'toolkits must be a list of at least one id or name')
}
