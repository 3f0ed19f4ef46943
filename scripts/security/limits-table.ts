import { defaultTimeoutMs } from '../../packages/core/src/dispatch/invoke-tool.ts'
import { maxBodyBytes } from '../../packages/core/src/http/read-arguments.ts'
import { jsonLimits } from '../../packages/core/src/protocol/json.ts'
import { schemaLimits } from '../../packages/core/src/protocol/schema-limits.ts'
import { maxTimeoutMs } from '../../packages/core/src/tool/define-tool.ts'
import { egressDefaults, maxRedirects } from '../../packages/egress/src/egress-options.ts'

/** A member of an interface of limits and the sentence above it. */
interface Documented {
  name: string
  says: string
}

/**
 * The table of a server's limits: every member of `defaults`, with its sentence from the source of the interface.
 * @throws Error when a limit has no sentence there
 */
export function serverLimitsTable(source: string, defaults: object): string {
  const sentences = new Map(documentedNumbers(source).map(({ name, says }) => [name, says]))
  const rows = Object.entries(defaults).map(([name, value]) => {
    const says = sentences.get(name)
    if (says === undefined) throw new Error(`The limit "${name}" has no docstring in the source of the limits`)
    return `| ${says} | ${shownLimit(name, Number(value))} | \`${name}\` |`
  })
  return ['| limit | default | option |', '|---|---|---|', ...rows].join('\n')
}

/** The limits that are no option of a server: of JSON, schemas, routes, deadlines and outbound requests. */
export function otherLimitsTable(): string {
  const rows: [what: string, name: string, value: number][] = [
    ['Levels of JSON that a peer sends', 'maxDepth', jsonLimits.maxDepth],
    ['Members of JSON that a caller sends', 'maxKeys', jsonLimits.maxKeys],
    ['A tool’s schema', 'maxBytes', schemaLimits.maxBytes],
    ['Levels of a tool’s schema', 'maxDepth', schemaLimits.maxDepth],
    ['Properties of a tool’s schema, at all levels', 'maxProperties', schemaLimits.maxProperties],
    ['The body of a request to the routes of an app', 'maxBodyBytes', maxBodyBytes],
    ['Deadline of a call that names none', 'defaultTimeoutMs', defaultTimeoutMs],
    ['The longest deadline of a call', 'maxTimeoutMs', maxTimeoutMs],
    ['Connecting to an outbound target, with its name and TLS', 'connectTimeoutMs', egressDefaults.connectTimeoutMs],
    ['An outbound request with all redirects and the body', 'totalTimeoutMs', egressDefaults.totalTimeoutMs],
    ['The body of an outbound response, unpacked', 'maxResponseBytes', egressDefaults.maxResponseBytes],
    ['Redirects of an outbound request', 'maxRedirects', maxRedirects],
  ]
  const lines = rows.map(([what, name, value]) => `| ${what} | ${shownLimit(name, value)} |`)
  return ['| limit | default |', '|---|---|', ...lines].join('\n')
}

/** A number with the unit that its name ends with: 65,536 of `maxBytes` is 64 KiB, 5,000 of `stuckMs` is 5 s. */
export function shownLimit(name: string, value: number): string {
  if (name.endsWith('Bytes')) {
    const [unit, size] = value % 1_048_576 === 0 ? ['MiB', 1_048_576] : value % 1_024 === 0 ? ['KiB', 1_024] : ['B', 1]
    return `${shownNumber(value / size)} ${unit}`
  }
  if (name.endsWith('Ms')) return value % 1_000 === 0 ? `${shownNumber(value / 1_000)} s` : `${shownNumber(value)} ms`
  return shownNumber(value)
}

function shownNumber(value: number): string {
  return value.toLocaleString('en-US')
}

function documentedNumbers(source: string): Documented[] {
  return [...source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(\w+)\??: number\b/g)].map(
    ([, comment = '', name = '']) => ({
      name,
      says: comment
        .replace(/\s*\n\s*\*?\s*/g, ' ')
        .trim()
        // The value is shown with its unit.
        .replace(/(?:, in (?:milliseconds|bytes))?\.$/, '')
        .replaceAll('|', '\\|'),
    }),
  )
}
