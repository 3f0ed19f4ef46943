import { styleText } from 'node:util'
import type { CliIo } from '../cli-io.ts'
import { hasColours, type Style } from '../output.ts'
import { messageLine, plainText } from '../plain-text.ts'
import type { TokenUsage } from './chat-model.ts'
import type { ChatView, ExchangeEnd, ShownCall, ShownOutcome } from './chat-view.ts'
import { fitLine } from './fit-line.ts'
import { PlainStream } from './plain-stream.ts'

/**
 * Shows a chat to people: what the model says on stdout as it streams, and nothing else there; tool calls and the rest
 * on stderr, cut to the width of the terminal. How an exchange ended is told where another may follow; otherwise the
 * command's own end tells it.
 */
export function createTerminalView(io: Pick<CliIo, 'stdout' | 'stderr' | 'env'>, goesOn: boolean): ChatView {
  const { stdout, stderr, env } = io
  const colours = hasColours(stderr, env)
  const plain = new PlainStream()
  const tokens = { inputTokens: 0, outputTokens: 0 }
  let midLine = false
  let calls = 0

  function write(text: string): void {
    if (text === '') return
    stdout.write(text)
    midLine = !text.endsWith('\n')
  }

  function endLine(): void {
    write(plain.end())
    if (midLine) write('\n')
  }

  /** `detail` is dimmed where there are colours, and what is cut first. */
  function note(mark: string, style: Style, head: string, detail: string): void {
    endLine()
    const columns = (stderr.isTTY && stderr.columns) || widthOfFiles
    const line = fitLine(`${mark} ${plainText(head)}${detail === '' ? '' : `  ${plainText(detail)}`}`, columns)
    stderr.write(`${colours ? styleText(style, line, { validateStream: false }) : line}\n`)
  }

  return {
    text: (delta) => write(plain.push(delta)),
    breakLine: endLine,
    callStarted(call) {
      calls += 1
      note('→', 'dim', `${call.number} ${nameOf(call)}`, call.args === undefined ? '' : JSON.stringify(call.args))
    },
    callEnded(call, outcome) {
      const head = `${call.number} ${nameOf(call)} ${outcome.declined ? 'declined' : shownTime(outcome.durationMs)}`
      note(outcome.ok ? '✓' : '✗', outcome.ok ? 'green' : outcome.declined ? 'yellow' : 'red', head, detailOf(outcome))
    },
    usage({ inputTokens, outputTokens }: TokenUsage) {
      tokens.inputTokens += inputTokens
      tokens.outputTokens += outputTokens
    },
    end(end: ExchangeEnd) {
      endLine()
      if (goesOn && end.reason === 'interrupted') stderr.write(messageLine('Interrupted.'))
      else if (goesOn && end.reason === 'done') {
        const spent = `${tokens.inputTokens} tokens in, ${tokens.outputTokens} out`
        note('·', 'dim', `${count(end.turns, 'turn')}, ${count(calls, 'call')}, ${spent}`, '')
      }
      Object.assign(tokens, { inputTokens: 0, outputTokens: 0 })
      calls = 0
    },
  }
}

/** Where nobody looks at a terminal: long enough to tell calls apart, short enough for a log. */
const widthOfFiles = 200

function nameOf({ toolkit, tool }: ShownCall): string {
  return toolkit === undefined ? tool : `${toolkit}/${tool}`
}

function detailOf(outcome: ShownOutcome): string {
  if (outcome.ok) return JSON.stringify(outcome.result) ?? 'null'
  return outcome.declined ? '' : `${outcome.error.message} (${outcome.error.code})`
}

function shownTime(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
