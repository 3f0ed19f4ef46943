import type { TextStream } from '../cli-io.ts'
import { plainLines } from '../plain-text.ts'
import type { ChatView, ExchangeEnd } from './chat-view.ts'

/** Writes a chat as JSON lines, one event each, names in snake_case; an exchange ends with the event `end`. */
export function createJsonView(stdout: TextStream): ChatView {
  return {
    text: (text) => writeEvent(stdout, { type: 'text', text }),
    // Every line is complete.
    breakLine() {},
    callStarted({ id, toolkit, tool, args }) {
      writeEvent(stdout, { type: 'tool_call', id, toolkit: toolkit ?? null, tool, arguments: args ?? null })
    },
    callEnded({ id, toolkit, tool }, outcome) {
      const told = outcome.ok
        ? { result: outcome.result ?? null }
        : { error: outcome.error.message, code: outcome.error.code, declined: outcome.declined }
      const { ok, durationMs } = outcome
      writeEvent(stdout, {
        type: 'tool_result',
        id,
        toolkit: toolkit ?? null,
        tool,
        ok,
        duration_ms: durationMs,
        ...told,
      })
    },
    usage({ inputTokens, outputTokens }) {
      writeEvent(stdout, { type: 'usage', input_tokens: inputTokens, output_tokens: outputTokens })
    },
    end: (end) => writeEnd(stdout, end),
  }
}

/** The last event of an exchange, also of one that could not begin. */
export function writeEnd(stdout: TextStream, { reason, text, turns, error }: ExchangeEnd): void {
  const told = error === undefined ? {} : { error: error.message, code: error.code }
  writeEvent(stdout, { type: 'end', reason, text, turns, ...told })
}

/** JSON.stringify leaves some control characters as they are. */
function writeEvent(stdout: TextStream, event: Record<string, unknown>): void {
  stdout.write(`${plainLines(JSON.stringify(event))}\n`)
}
