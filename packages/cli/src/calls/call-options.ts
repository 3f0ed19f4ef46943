import { isErrorCode } from '@atp/core'
import { type Command, InvalidArgumentError, Option } from 'commander'

/** Which calls are wanted, as the user said it. */
export interface CallFilterOptions {
  toolkit?: string
  tool?: string
  status?: string
  delivery?: string
  error?: string
}

const statuses = ['succeeded', 'failed', 'timed_out', 'cancelled', 'delivery_failed', 'outcome_unknown']
const deliveries = ['socket', 'inbox', 'endpoint', 'manual']

/** Adds the flags of {@link CallFilterOptions}. */
export function addCallFilters(command: Command): Command {
  return command
    .option('--toolkit <name>', 'only calls of this toolkit: name, slug or id')
    .option('--tool <name>', 'only calls of this tool')
    .addOption(new Option('--status <status>', 'only calls that ended so').choices(statuses))
    .addOption(new Option('--delivery <way>', 'only calls that reached their toolkit so').choices(deliveries))
    .option('--error <code>', 'only calls that failed with this code', readErrorCode)
}

/** The filter as it travels. */
export function filterQuery(options: CallFilterOptions): Record<keyof CallFilterOptions, string | undefined> {
  const { toolkit, tool, status, delivery, error } = options
  return { toolkit, tool, status, delivery, error }
}

/** Reads a `--limit`. */
export function readLimit(text: string): string {
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= 500) return text
  throw new InvalidArgumentError('Give a whole number from 1 to 500.')
}

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Reads a `--since`: how long ago, such as `10m`, or a time of ISO 8601, local unless it says otherwise.
 * @returns milliseconds since 1970
 */
export function readSince(text: string, now: number = Date.now()): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (count !== undefined) return Math.max(0, now - Number(count) * (unitMs[unit] ?? 0))
  // Date.parse takes much more than that, and reads a date alone as UTC.
  const iso = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/i.test(text)
  const time = iso ? Date.parse(text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T')) : Number.NaN
  if (time >= 0) return time
  throw new InvalidArgumentError('Give how long ago, such as 30s, 10m, 2h or 7d, or a time such as 2026-08-01T14:00.')
}

function readErrorCode(text: string): string {
  if (isErrorCode(text)) return text
  throw new InvalidArgumentError('Give a code of docs/errors.md, such as tool_error.')
}
