import type { Cell } from '../output.ts'

/** How a call ended, in its colour. */
export function statusCell(status: string, text: string = status): Cell {
  if (status === 'succeeded') return { text, style: 'green' }
  return { text, style: status === 'cancelled' ? 'yellow' : 'red' }
}
