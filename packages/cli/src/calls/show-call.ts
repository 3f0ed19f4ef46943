import type { Output } from '../output.ts'
import { localTime, plainText } from '../plain-text.ts'
import type { WireCall } from './call-bodies.ts'

/** Shows all that a server tells of a call, one member a line. */
export function showCall(call: WireCall, output: Pick<Output, 'line'>): void {
  const { id, toolkit, tool, status, error_code, delivery, started_at, duration_ms, ...rest } = call
  const { toolkit_id, key_id, ...more } = rest as Record<string, unknown>
  const members: [name: string, value: unknown][] = [
    ['id', id],
    ['toolkit', typeof toolkit_id === 'string' ? `${toolkit} (${toolkit_id})` : toolkit],
    ['tool', tool],
    ['status', status],
    ['error', error_code],
    ['delivery', delivery],
    ['started', fullTime(started_at)],
    ['ended', fullTime(started_at + duration_ms)],
    ['took', `${duration_ms.toFixed(1)} ms`],
    ['key', key_id],
    ...Object.entries(more).map(
      ([name, value]) => [name, isTime(name, value) ? fullTime(value) : value] as [string, unknown],
    ),
  ]
  const shown = members.filter(([, value]) => value !== null && value !== undefined)
  const width = Math.max(...shown.map(([name]) => name.length))
  for (const [name, value] of shown) {
    const text = plainText(typeof value === 'object' ? JSON.stringify(value) : String(value))
    output.line(`${name.replaceAll('_', ' ').padEnd(width)}  ${text}`)
  }
}

function isTime(name: string, value: unknown): value is number {
  return name.endsWith('_at') && typeof value === 'number'
}

/** Local time, and the same as others write it. */
function fullTime(ms: number): string {
  const time = new Date(ms)
  return Number.isNaN(time.getTime()) ? 'unknown' : `${localTime(ms)} (${time.toISOString()})`
}
