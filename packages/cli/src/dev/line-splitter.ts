import type { Readable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'

/** Calls `onLine` for each line of a stream, and for what stands behind the last one at its end; colours are dropped. */
export function splitLines(stream: Readable | null, onLine: (line: string) => void): void {
  let rest = ''
  stream?.setEncoding('utf8')
  stream?.on('data', (text: string) => {
    const lines = (rest + text).split(/\r?\n/)
    rest = lines.pop() ?? ''
    // Whoever writes megabytes without a line break gets them in pieces.
    if (rest.length > maxLineLength) lines.push(rest)
    if (lines.at(-1) === rest) rest = ''
    for (const line of lines) onLine(stripVTControlCharacters(line))
  })
  stream?.on('end', () => {
    if (rest !== '') onLine(stripVTControlCharacters(rest))
  })
}

const maxLineLength = 65_536
