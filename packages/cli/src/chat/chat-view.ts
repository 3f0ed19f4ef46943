import type { AtpError, ToolCallResult } from '@atp/core'
import type { TokenUsage } from './chat-model.ts'

/** A tool call as it is shown. */
export interface ShownCall {
  /** Counts through the chat, to tell parallel calls apart. */
  number: number
  /** The provider's id. */
  id: string
  /** Undefined when the model made the name up. */
  toolkit: string | undefined
  tool: string
  /** Undefined when they could not be read. */
  args: Record<string, unknown> | undefined
}

/** What became of a call. */
export type ShownOutcome = ToolCallResult['outcome'] & {
  durationMs: number
  /** The user, or the lack of one, kept it from running. */
  declined: boolean
}

/** How an exchange ended. */
export interface ExchangeEnd {
  reason: 'done' | 'max_turns' | 'length' | 'filtered' | 'interrupted' | 'failed'
  /** What the model said last. */
  text: string
  turns: number
  /** Why, for every reason but `done` and `interrupted`. */
  error: AtpError | undefined
}

/** Shows an exchange while it goes on. */
export interface ChatView {
  text(delta: string): void
  /** Ends a line that is not complete: something else is about to be written at the terminal. */
  breakLine(): void
  callStarted(call: ShownCall): void
  callEnded(call: ShownCall, outcome: ShownOutcome): void
  usage(usage: TokenUsage): void
  end(end: ExchangeEnd): void
}
