import { AtpError } from '../errors/atp-error.ts'
import { maxTimeoutMs } from '../tool/define-tool.ts'

/**
 * How long a call may take, as the server is told. JSON has no word for NaN and Infinity: it would not see what was
 * asked for.
 * @throws AtpError `invalid_request`
 */
export function readTimeout(timeoutMs: number | undefined): number | undefined {
  if (timeoutMs === undefined) return undefined
  if (typeof timeoutMs === 'number' && timeoutMs > 0) return Math.min(timeoutMs, maxTimeoutMs)
  throw new AtpError('invalid_request', 'timeoutMs must be a number of milliseconds above 0')
}
