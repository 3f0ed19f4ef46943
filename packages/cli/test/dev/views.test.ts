import { describe, expect, it } from 'vitest'
import type { ObservedCall } from '../../src/dev/call-observer.ts'
import { createJsonView } from '../../src/dev/json-view.ts'
import { createTerminalView } from '../../src/dev/terminal-view.ts'

const call: ObservedCall = { number: 7, callId: 'c', toolkit: 'kit', tool: 'greet', args: { name: 'Ada', token: 'x' } }
const masking = { names: [] }
const changes = {
  ...{ toolkit: 'kit', added: ['fresh'], changed: ['other'], removed: ['gone'] },
  ...{ unchanged: ['a', 'b'], identity: true },
}

/** A stream of 60 columns, and what was written to it without the times. */
function stream(isTTY = true) {
  const written: string[] = []
  const write = (text: string): void => void written.push(text)
  return {
    stream: { write, isTTY, columns: 60 },
    lines: () => written.map((line) => line.replace(/^\d\d:\d\d:\d\d /, '')),
  }
}

function terminalView({ quiet = false, isTTY = true } = {}) {
  const { stream: stdout, lines } = stream(isTTY)
  const io = { stdout, env: { NO_COLOR: '1' } }
  return { view: createTerminalView(io, { masking, quiet, folder: '/work', keysHint: ' Keys.' }), lines }
}

describe('the view for people', () => {
  it('says what changed', () => {
    const { view, lines } = terminalView()
    view.show({ type: 'server', url: 'http://a', own: true })
    view.show({ type: 'ready', toolkits: [{ ...changes, added: ['greet'] }], fileCount: 1, durationMs: 9 })
    view.show({ type: 'reloaded', files: ['/work/src/a.ts'], toolkits: [changes], fileCount: 1, durationMs: 9.04 })
    view.show({ type: 'failed', message: 'no luck', serving: true })
    expect(lines()).toEqual([
      '· Started a server on http://a\n',
      '✓ kit: 1 tool  greet\n',
      '· Watching 1 file. Keys.\n',
      '↻ Reloaded after src/a.ts in 9.0 ms\n',
      '  ~ caption or instructions  ~ other  + fresh  - gone  = 2 unchanged\n',
      '✗ no luck; the tools stay as they were\n',
    ])
  })

  it('shows calls on lines that fit the terminal, without secrets', () => {
    const { view, lines } = terminalView()
    view.started(call)
    view.ended(call, { ok: true, json: JSON.stringify({ text: 'x'.repeat(100) }) }, 1_234)
    view.ended(call, { ok: false, error: { code: 'tool_error', message: 'out of luck' } }, 12.3)
    expect(lines()).toEqual([
      '→ #7 kit/greet  {"name":"Ada","token":"[redacted]"}\n',
      expect.stringMatching(/^✓ #7 kit\/greet {2}1\.2 s {2}\{"text":"x+…\n$/),
      '✗ #7 kit/greet  12 ms  out of luck (tool_error)\n',
    ])
    for (const line of lines()) expect(line.length).toBeLessThanOrEqual(60 - '00:00:00 '.length + 2)
  })

  it('lets nothing steer the terminal', () => {
    const { view, lines } = terminalView()
    view.started({ ...call, args: { a: '\u001b[2J\n\u202e\u009b' } })
    view.ended(call, { ok: false, error: { code: 'tool_error', message: '\u001b[2J\u0007' } }, 1)
    view.show({ type: 'output', line: 'tab\tand \u001b[2J' })
    view.show({ type: 'failed', message: 'a\u001b[2J', serving: false })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there
    expect(lines().join('')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
    expect(lines()).toHaveLength(4)
  })

  it('is quiet about calls and what tools print when asked', () => {
    const { view, lines } = terminalView({ quiet: true })
    view.started(call)
    view.progressed(call, 1)
    view.ended(call, { ok: true, json: '1' }, 1)
    view.show({ type: 'output', line: 'hello' })
    view.show({ type: 'connection_lost', toolkit: 'kit', message: 'gone' })
    view.show({ type: 'connection_back', toolkit: 'kit' })
    expect(lines()).toEqual(['! kit: no connection to the server, trying again: gone\n', '✓ kit: connected again\n'])
  })
})

describe('the view for programs', () => {
  it('is one JSON value a line, and what tools print goes elsewhere', () => {
    const out = stream()
    const err = stream()
    const view = createJsonView({ stdout: out.stream, stderr: err.stream }, { masking, quiet: false })
    view.show({ type: 'server', url: 'http://a', own: false })
    view.show({ type: 'ready', toolkits: [changes], fileCount: 1, durationMs: 9 })
    view.show({ type: 'reloaded', files: ['/a.ts'], toolkits: [changes], fileCount: 1, durationMs: 9 })
    view.show({ type: 'failed', message: 'no luck', serving: true })
    view.show({ type: 'output', line: 'hello \u001b[2J' })
    view.started(call)
    view.ended(call, { ok: true, json: '{"a":1}' }, 2)
    view.ended(call, { ok: false, error: { code: 'tool_error', message: 'no' } }, 2)
    const told = { number: 7, call_id: 'c', toolkit: 'kit', tool: 'greet' }
    const { identity: _, ...wire } = changes
    expect(out.lines().map((line) => JSON.parse(line))).toEqual(
      [
        { type: 'server', url: 'http://a', started: false },
        { type: 'ready', toolkits: [{ toolkit: 'kit', tools: ['fresh'] }], duration_ms: 9 },
        { type: 'reloaded', files: ['/a.ts'], toolkits: [{ ...wire, identity_changed: true }], duration_ms: 9 },
        { type: 'failed', error: 'no luck', serving: true },
        { type: 'call_started', ...told, arguments: { name: 'Ada', token: '[redacted]' } },
        { type: 'call_ended', ...told, ok: true, duration_ms: 2, result: { a: 1 } },
        { type: 'call_ended', ...told, ok: false, duration_ms: 2, error: 'no', code: 'tool_error' },
      ].map((event) => ({ time: expect.any(Number), ...event })),
    )
    expect(err.lines()).toEqual(['hello \\u001b[2J\n'])
  })
})
