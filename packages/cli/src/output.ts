import { styleText } from 'node:util'
import type { CliIo, TextStream } from './cli-io.ts'
import { messageLine, plainLines, plainText } from './plain-text.ts'

/** How a cell looks on a terminal with colours. */
export type Style = 'bold' | 'green' | 'red' | 'yellow' | 'dim'

/** What stands in a table: text as it is, or with a style. */
export type Cell = string | number | { text: string; style: Style }

/** Where commands write. All text is made safe for terminals on the way. */
export interface Output {
  /** One JSON value on stdout. */
  json(value: unknown): void
  /** A line, or several, on stdout. */
  line(text: string): void
  /** Aligned columns on stdout; on a terminal the last one is cut to fit. */
  table(headers: readonly string[], rows: readonly (readonly Cell[])[]): void
  /** A line for the person at the terminal, on stderr. */
  note(text: string): void
}

/** Builds the output of a command. */
export function createOutput(io: Pick<CliIo, 'stdout' | 'stderr' | 'env'>): Output {
  const { stdout, stderr, env } = io
  const colours = hasColours(stdout, env)
  return {
    json(value) {
      // Indented for people, one line for programs. JSON.stringify leaves some control characters as they are.
      const text = JSON.stringify(value ?? null, null, stdout.isTTY ? 2 : undefined)
      stdout.write(`${plainLines(text)}\n`)
    },
    line: (text) => void stdout.write(messageLine(text)),
    table(headers, rows) {
      const head = headers.map((text): Cell => ({ text, style: 'bold' }))
      const width = stdout.isTTY ? stdout.columns : undefined
      for (const line of layOut([head, ...rows], width, colours)) stdout.write(`${line}\n`)
    },
    note: (text) => void stderr.write(messageLine(text)),
  }
}

/** Colours are for terminals, and for those who did not refuse them (no-color.org). */
export function hasColours(stream: TextStream, env: CliIo['env']): boolean {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
}

const gap = '  '
const shortestColumn = 12

function layOut(rows: readonly (readonly Cell[])[], width: number | undefined, colours: boolean): string[] {
  const texts = rows.map((row) => row.map((cell) => plainText(String(typeof cell === 'object' ? cell.text : cell))))
  const count = texts[0]?.length ?? 0
  const widths = Array.from({ length: count }, (_, column) => Math.max(...texts.map((row) => lengthOf(row[column]))))
  const before = widths.slice(0, -1).reduce((sum, columnWidth) => sum + columnWidth + gap.length, 0)
  const room = width === undefined ? Number.POSITIVE_INFINITY : Math.max(shortestColumn, width - before)
  return rows.map((row, index) =>
    row
      .map((cell, column) => {
        const last = column === count - 1
        const text = texts[index]?.[column] ?? ''
        const shown = last ? cut(text, room) : text + ' '.repeat((widths[column] ?? 0) - lengthOf(text))
        const style = typeof cell === 'object' && colours ? cell.style : undefined
        return style === undefined ? shown : styleText(style, shown, { validateStream: false })
      })
      .join(gap)
      .trimEnd(),
  )
}

/** In characters as people count them, near enough: code points. */
function lengthOf(text: string | undefined): number {
  return [...(text ?? '')].length
}

function cut(text: string, room: number): string {
  return lengthOf(text) <= room
    ? text
    : `${[...text]
        .slice(0, room - 1)
        .join('')
        .trimEnd()}…`
}
