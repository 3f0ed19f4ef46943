import type { CliIo } from '../cli-io.ts'
import { messageLine, plainLines } from '../plain-text.ts'
import type { ObservedCall } from './call-observer.ts'
import type { DevEvent, DevView } from './dev-events.ts'
import type { ToolChanges } from './dev-toolkit.ts'
import { type Masking, maskSecrets } from './mask-secrets.ts'

/** How a view is made. */
export interface ViewOptions {
  masking: Masking
  /** Leaves out calls, and what tools print. */
  quiet: boolean
}

/** Writes what happens as JSON lines on stdout, one event each, names in snake_case; what tools print goes to stderr. */
export function createJsonView({ stdout, stderr }: Pick<CliIo, 'stdout' | 'stderr'>, options: ViewOptions): DevView {
  const { masking, quiet } = options
  function write(type: string, event: Record<string, unknown>): void {
    stdout.write(`${plainLines(JSON.stringify({ type, time: Date.now(), ...event }))}\n`)
  }
  function writeCall(type: string, { number, callId, toolkit, tool, event: app }: ObservedCall, event: object): void {
    if (!quiet) write(type, { number, call_id: callId, toolkit, tool, ...(app && { app_event: app }), ...event })
  }

  return {
    show(event) {
      if (event.type !== 'output') write(event.type, membersOf(event))
      else if (!quiet) stderr.write(messageLine(event.line))
    },
    started: (call) => writeCall('call_started', call, { arguments: maskSecrets(call.args, masking) ?? null }),
    progressed: (call, value) => writeCall('call_progress', call, { value: maskSecrets(value, masking) ?? null }),
    ended(call, outcome, durationMs) {
      const told = outcome.ok
        ? { result: maskSecrets(JSON.parse(outcome.json), masking) }
        : { error: outcome.error.message, code: outcome.error.code }
      writeCall('call_ended', call, { ok: outcome.ok, duration_ms: durationMs, ...told })
    },
  }
}

function membersOf(event: Exclude<DevEvent, { type: 'output' }>): Record<string, unknown> {
  switch (event.type) {
    case 'server':
      return { url: event.url, started: event.own }
    case 'ready':
      return {
        toolkits: event.toolkits.map(({ toolkit, added }) => ({ toolkit, tools: added })),
        duration_ms: event.durationMs,
      }
    case 'reloaded':
      return { files: event.files, toolkits: event.toolkits.map(toWireChanges), duration_ms: event.durationMs }
    case 'failed':
      return { error: event.message, serving: event.serving }
    case 'connection_lost':
      return { toolkit: event.toolkit, error: event.message }
    case 'connection_back':
      return { toolkit: event.toolkit }
    default:
      event satisfies never
      return {}
  }
}

function toWireChanges({ identity, ...changes }: ToolChanges): Record<string, unknown> {
  return { ...changes, identity_changed: identity }
}
