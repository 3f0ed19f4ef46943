import { styleText } from 'node:util'
import type { Cell } from '../output.ts'
import { localTime, plainText } from '../plain-text.ts'
import type { WireCall } from './call-bodies.ts'
import { statusCell } from './call-cells.ts'

/** Numbers stand below each other. */
const durationColumn = 4

/**
 * Makes the lines of calls as they come: time of the end, toolkit, tool, how it ended, how long it took, how it reached
 * its toolkit, id. What is still to come is not known, so a column grows with what it has held.
 */
export function createCallLine(colours: boolean): (call: WireCall) => string {
  const widths: number[] = []
  return (call) => {
    const outcome = call.error_code === null ? call.status : `${call.status} (${call.error_code})`
    const cells: Cell[] = [
      clockTime(call.started_at + call.duration_ms),
      call.toolkit,
      call.tool,
      statusCell(call.status, outcome),
      `${call.duration_ms.toFixed(1)} ms`,
      call.delivery,
      call.id,
    ]
    return cells.map((cell, column) => layOut(cell, column)).join('  ')
  }

  function layOut(cell: Cell, column: number): string {
    const text = plainText(String(typeof cell === 'object' ? cell.text : cell))
    widths[column] = Math.max(widths[column] ?? 0, [...text].length)
    const gap = ' '.repeat(widths[column] - [...text].length)
    const padded = column === durationColumn ? gap + text : text + gap
    return typeof cell === 'object' && colours ? styleText(cell.style, padded, { validateStream: false }) : padded
  }
}

/** Local time of day, such as `14:05:09.123`. */
function clockTime(ms: number): string {
  const time = localTime(ms)
  return time === 'unknown' ? time : `${time.slice(11)}.${String(Math.floor(ms) % 1_000).padStart(3, '0')}`
}
