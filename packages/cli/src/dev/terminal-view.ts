import { relative } from 'node:path'
import { styleText } from 'node:util'
import { fitLine } from '../chat/fit-line.ts'
import type { CliIo } from '../cli-io.ts'
import { hasColours, type Style } from '../output.ts'
import { localTime, plainText } from '../plain-text.ts'
import type { ObservedCall } from './call-observer.ts'
import type { DevEvent, DevView } from './dev-events.ts'
import type { ToolChanges } from './dev-toolkit.ts'
import type { ViewOptions } from './json-view.ts'
import { maskSecrets } from './mask-secrets.ts'

/** Shows what happens to people, on stdout: a line for the beginning and one for the end of each call, cut to fit. */
export function createTerminalView(
  { stdout, env }: Pick<CliIo, 'stdout' | 'env'>,
  { masking, quiet, folder, keysHint }: ViewOptions & { folder: string; keysHint: string },
): DevView {
  const colours = hasColours(stdout, env)

  function write({ mark, style, text, cut = false }: Line): void {
    const shown = `${localTime(Date.now()).slice(11)} ${mark} ${plainText(text)}`
    const fitted = cut ? fitLine(shown, (stdout.isTTY && stdout.columns) || widthOfFiles) : shown
    stdout.write(`${colours && style ? styleText(style, fitted, { validateStream: false }) : fitted}\n`)
  }

  function writeCall(mark: string, style: Style | undefined, call: ObservedCall, text: string): void {
    const event = call.event === undefined ? '' : ` ${call.event}`
    if (!quiet) write({ mark, style, text: `#${call.number} ${call.toolkit}/${call.tool}${event}  ${text}`, cut: true })
  }

  return {
    show(event) {
      if (quiet && event.type === 'output') return
      for (const line of linesOf(event, folder, keysHint)) write(line)
    },
    started: (call) => writeCall('→', undefined, call, textOf(maskSecrets(call.args, masking))),
    progressed: (call, value) => writeCall('…', 'dim', call, textOf(maskSecrets(value, masking))),
    ended(call, outcome, durationMs) {
      const time = shownTime(durationMs)
      if (outcome.ok) {
        writeCall('✓', 'green', call, `${time}  ${textOf(maskSecrets(JSON.parse(outcome.json), masking))}`)
      } else {
        const { code, message } = outcome.error
        writeCall('✗', code === 'cancelled' ? 'yellow' : 'red', call, `${time}  ${message} (${code})`)
      }
    },
  }
}

/** A line behind the time. */
interface Line {
  mark: string
  style?: Style | undefined
  text: string
  /** Whether it is cut to fit: lines to glance at are, lines to read are not. */
  cut?: boolean
}

function linesOf(event: DevEvent, folder: string, keysHint: string): Line[] {
  switch (event.type) {
    case 'server':
      return [{ mark: '·', text: event.own ? `Started a server on ${event.url}` : `Server on ${event.url}` }]
    case 'ready':
      return [
        ...event.toolkits.map(({ toolkit, added }): Line => {
          return { mark: '✓', style: 'green', text: `${toolkit}: ${count(added.length, 'tool')}  ${added.join(', ')}` }
        }),
        { mark: '·', style: 'dim', text: `Watching ${count(event.fileCount, 'file')}.${keysHint}` },
      ]
    case 'reloaded': {
      const { toolkits, durationMs } = event
      const files = event.files.map((file) => relative(folder, file)).join(', ')
      const what = toolkits.map((changes) => {
        return { mark: ' ', text: `${toolkits.length > 1 ? `${changes.toolkit}: ` : ''}${describeChanges(changes)}` }
      })
      const after = files === '' ? '' : ` after ${files}`
      return [{ mark: '↻', style: 'bold', text: `Reloaded${after} in ${shownTime(durationMs)}` }, ...what]
    }
    case 'failed': {
      const rest = event.serving ? '; the tools stay as they were' : ''
      return [{ mark: '✗', style: 'red', text: `${event.message}${rest}` }]
    }
    case 'connection_lost': {
      const text = `${event.toolkit}: no connection to the server, trying again: ${event.message}`
      return [{ mark: '!', style: 'yellow', text }]
    }
    case 'connection_back':
      return [{ mark: '✓', style: 'green', text: `${event.toolkit}: connected again` }]
    case 'output':
      return [{ mark: '│', style: 'dim', text: event.line }]
    default:
      event satisfies never
      return []
  }
}

/** Where nobody looks at a terminal: long enough to tell calls apart, short enough for a log. */
const widthOfFiles = 200

/** Only the beginning is ever shown. */
const maxText = 4_096

function textOf(value: unknown): string {
  return (JSON.stringify(value) ?? 'null').slice(0, maxText)
}

function describeChanges({ added, changed, removed, unchanged, identity }: ToolChanges): string {
  const parts = [
    ...(identity ? ['~ caption or instructions'] : []),
    ...changed.map((name) => `~ ${name}`),
    ...added.map((name) => `+ ${name}`),
    ...removed.map((name) => `- ${name}`),
    ...(unchanged.length > 0 ? [`= ${unchanged.length} unchanged`] : []),
  ]
  return parts.join('  ') || 'no tools'
}

function shownTime(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
