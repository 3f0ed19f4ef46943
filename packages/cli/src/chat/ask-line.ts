import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import type { ReadStream } from 'node:tty'
import type { CliIo } from '../cli-io.ts'

/** What came of a question: a line, Ctrl-D, or Ctrl-C on a line with or without text. */
export type Line = { kind: 'line'; text: string } | { kind: 'end' } | { kind: 'interrupt'; hadText: boolean }

/** Asks for one line. With `fresh`, what was typed before the question stood there is no answer to it. */
export type AskLine = (prompt: string, options: { signal: AbortSignal; fresh?: boolean }) => Promise<Line>

/** Whether there is somebody to ask: a terminal to read from, and one to write the question to. */
export function isInteractive({ stdin, stderr }: Pick<CliIo, 'stdin' | 'stderr'>): boolean {
  return (stdin as Partial<ReadStream>).isTTY === true && stderr.isTTY === true
}

/** How long keys that were pressed before may take to arrive. */
const settleMs = 50

/**
 * Makes a reader of lines on a terminal. Between questions the terminal is in its ordinary mode, so that Ctrl-C is a
 * signal there. Lines that arrive together, as pasted ones do, answer one question after the other, but never a fresh one.
 */
export function createLineReader(io: Pick<CliIo, 'stdin' | 'stderr'>): AskLine {
  const input = io.stdin as unknown as Readable & Partial<ReadStream>
  const output = io.stderr as unknown as Writable
  const waiting: string[] = []
  let history: string[] = []
  let begun = ''

  return async (prompt, { signal, fresh = false }) => {
    if (fresh && (await pressedBefore(input)).includes(ctrlC)) return { kind: 'interrupt', hadText: false }
    if (signal.aborted) return { kind: 'interrupt', hadText: false }
    const next = fresh ? undefined : waiting.shift()
    if (next !== undefined) {
      output.write(`${prompt}${next}\n`)
      return { kind: 'line', text: next }
    }
    const settled = Promise.withResolvers<Line>()
    const lines = createInterface({ input, output, prompt, terminal: true, history: fresh ? [] : history })
    const onAbort = (): void => settled.resolve({ kind: 'interrupt', hadText: lines.line !== '' })
    signal.addEventListener('abort', onAbort)
    let first = true
    lines.on('line', (text) => {
      if (!first) waiting.push(text)
      first = false
      settled.resolve({ kind: 'line', text })
    })
    if (!fresh) {
      lines.on('history', (all) => {
        history = all
      })
    }
    lines.on('SIGINT', onAbort)
    lines.on('close', () => settled.resolve({ kind: 'end' }))
    lines.prompt()
    if (!fresh && begun !== '') lines.write(begun)
    begun = ''
    try {
      const line = await settled.promise
      // After a line, what stands there is the beginning of the next one.
      if (line.kind === 'line') begun = lines.line
      else output.write('\n')
      return line
    } finally {
      signal.removeEventListener('abort', onAbort)
      lines.close()
    }
  }
}

const ctrlC = '\u0003'

/** Reads what is there already, and throws it away but for what it was. */
async function pressedBefore(input: Readable & Partial<ReadStream>): Promise<string> {
  let text = ''
  const onData = (chunk: Buffer | string): void => {
    text += String(chunk)
  }
  input.setRawMode?.(true)
  input.on('data', onData)
  input.resume()
  await setTimeout(settleMs)
  input.off('data', onData)
  input.pause()
  return text
}
