import { AtpError } from '@atp/core'
import { describe, expect, it } from 'vitest'
import type { CallTail, WireCall } from '../../src/calls/call-bodies.ts'
import { createCallLine } from '../../src/calls/call-line.ts'
import type { Query } from '../../src/calls/calls-client.ts'
import { tailCalls } from '../../src/calls/tail-calls.ts'

const call = (given: Partial<WireCall> = {}): WireCall => {
  const started = new Date(2026, 7, 1, 14, 5, 9, 120).getTime()
  return {
    id: 'call-1',
    toolkit: 'demo',
    tool: 'greet',
    delivery: 'socket',
    status: 'succeeded',
    error_code: null,
    started_at: started,
    duration_ms: 3.21,
    ...given,
  }
}

/** A tail whose server answers what the test says; after the last answer Ctrl-C is pressed. */
async function tail(answers: (Partial<CallTail> | Error)[], options: { writable?: boolean } = {}) {
  const asked: Query[] = []
  const shown: string[] = []
  const notes: string[] = []
  let interrupt = (): void => {}
  let released = false
  const failure = await tailCalls({
    calls: {
      async tail(query, signal) {
        asked.push(query)
        const answer = answers.shift()
        if (answer === undefined) {
          interrupt()
          throw signal.reason
        }
        if (answer instanceof Error) throw answer
        return { calls: [], cursor: `c${asked.length}`, gap: false, ...answer }
      },
    },
    filter: { toolkit: 'demo' },
    baseUrl: 'http://hub',
    show: ({ id }) => void shown.push(id),
    note: (text) => void notes.push(text),
    io: {
      onInterrupt(listener) {
        interrupt = listener
        return () => {
          released = true
        }
      },
      stdout: { write: () => {}, ...options },
    },
    retryMs: 1,
  }).catch((error: unknown) => error)
  expect(released).toBe(true)
  return { asked, shown, notes, failure }
}

const away = () =>
  new AtpError('connection_failed', 'Cannot reach an ATP server at http://hub: ECONNREFUSED. Start a server')

describe('tailCalls', () => {
  it('goes on from answer to answer until Ctrl-C, which is no failure', async () => {
    const { asked, shown, notes, failure } = await tail([
      {},
      { calls: [call({ id: 'b' }), call({ id: 'a' })] },
      { calls: [call({ id: 'c' })] },
    ])
    expect(failure).toBeUndefined()
    expect(shown).toEqual(['b', 'a', 'c'])
    expect(notes).toEqual([])
    expect(asked[0]).toEqual({ toolkit: 'demo' })
    expect(asked.slice(1).map(({ cursor, wait_ms, toolkit }) => [cursor, wait_ms, toolkit])).toEqual([
      ['c1', '20000', 'demo'],
      ['c2', '20000', 'demo'],
      ['c3', '20000', 'demo'],
    ])
  })

  it('fails when there is no server at first', async () => {
    const { failure } = await tail([away()])
    expect(failure).toMatchObject({ code: 'connection_failed' })
  })

  it.each([
    [away(), 'ECONNREFUSED'],
    [new AtpError('server_shutting_down', 'The server restarts; send it again'), 'The server restarts; send it again'],
    [new AtpError('store_unavailable', 'The database is away'), 'The database is away'],
    [new AtpError('protocol_error', 'http://hub answered 502. Check it'), 'http://hub answered 502'],
  ])('waits for a server that goes away, and says so once: %s', async (error, reason) => {
    const { asked, shown, notes, failure } = await tail([
      {},
      error,
      error,
      error,
      { calls: [call({ id: 'a' })], gap: true },
    ])
    expect(failure).toBeUndefined()
    expect(shown).toEqual(['a'])
    expect(notes).toEqual([
      `Lost the server at http://hub (${reason}). Trying again; Ctrl-C ends this.`,
      'Connected to http://hub again.',
      'Calls may have ended that are not shown here; "atp calls list" shows all.',
    ])
    expect(asked.slice(1, 5).map(({ cursor }) => cursor)).toEqual(['c1', 'c1', 'c1', 'c1'])
  })

  it('ends with what refuses it', async () => {
    const { failure } = await tail([{}, new AtpError('unauthorized', 'The key was revoked')])
    expect(failure).toMatchObject({ code: 'unauthorized' })
  })

  it('ends when nobody reads it any more', async () => {
    const { asked, failure } = await tail([{}, { calls: [call()] }, {}, {}], { writable: false })
    expect(failure).toBeUndefined()
    expect(asked).toHaveLength(2)
  })
})

describe('the line of a call', () => {
  it('tells when it ended, of what, how, how fast, which way, and its id', () => {
    const line = createCallLine(false)
    expect(line(call())).toBe('14:05:09.123  demo  greet  succeeded  3.2 ms  socket  call-1')
    expect(line(call({ toolkit: 'workspace', status: 'failed', error_code: 'tool_error' }))).toBe(
      '14:05:09.123  workspace  greet  failed (tool_error)  3.2 ms  socket  call-1',
    )
    // Columns that have grown stay so.
    expect(line(call({ duration_ms: 120 }))).toBe(
      '14:05:09.240  demo       greet  succeeded            120.0 ms  socket  call-1',
    )
    expect(line(call())).toBe('14:05:09.123  demo       greet  succeeded              3.2 ms  socket  call-1')
  })

  it('colours how it ended, and nothing else', () => {
    const line = createCallLine(true)
    expect(line(call())).toContain('\u001b[32msucceeded\u001b[39m')
    expect(line(call({ status: 'failed' }))).toContain('\u001b[31mfailed')
    expect(line(call({ status: 'cancelled' }))).toContain('\u001b[33mcancelled')
  })

  it('lets no name rewrite the terminal', () => {
    expect(createCallLine(false)(call({ toolkit: '\u001b[2J\u202e' }))).toContain('\\u001b[2J\\u202e')
  })
})
