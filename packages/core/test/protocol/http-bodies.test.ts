import { describe, expect, it } from 'vitest'
import {
  acceptedResponse,
  callEvents,
  callState,
  contextResponse,
  type ToolkitContext,
  taskResponse,
  toolkitContext,
  toWireContext,
} from '../../src/protocol/http-bodies.ts'
import { frameFixtures } from './frame-fixtures.ts'

const context: ToolkitContext = {
  toolkitId: 't1',
  toolkitName: 'workspace',
  caption: 'Files',
  instructions: 'Be brief',
  provider: 'openai',
  tools: [{ type: 'function', name: 'search' }],
  userPrompt: 'Hello',
  warnings: [{ tool: 'odd', provider: 'openai', code: 'unsatisfiable', message: 'left out' }],
}

describe('a context', () => {
  it('is read back as it was written, with and without instructions', () => {
    const { instructions: _, ...plain } = context
    for (const each of [context, plain]) {
      expect(toolkitContext.parse(JSON.parse(JSON.stringify(toWireContext(each))))).toEqual(each)
    }
  })

  it('tells what authors say of their tools, in the form that travels', () => {
    const annotations = [{ tool: 'remove', title: 'Remove', readOnly: false, destructive: true, idempotent: true }]
    const wire = JSON.parse(JSON.stringify(toWireContext({ ...context, annotations })))
    expect(wire.annotations).toEqual([
      { tool: 'remove', title: 'Remove', read_only: false, destructive: true, idempotent: true },
    ])
    expect(toolkitContext.parse(wire).annotations).toEqual(annotations)
    // Nothing said of any tool is another thing than a server that does not tell.
    expect(toolkitContext.parse({ ...wire, annotations: [] }).annotations).toEqual([])
    expect(toolkitContext.parse({ ...wire, annotations: null })).not.toHaveProperty('annotations')
  })

  it('is written as the fixture shows', () => {
    const wire = frameFixtures.get('context')?.context
    expect(JSON.parse(JSON.stringify(toWireContext(toolkitContext.parse(wire))))).toEqual(wire)
  })

  it('of an older server gets neutral values for what it lacks', () => {
    expect(toolkitContext.parse({ toolkit_id: 't1', tools: [] })).toEqual({
      toolkitId: 't1',
      toolkitName: '',
      caption: '',
      provider: '',
      tools: [],
      userPrompt: '',
      warnings: [],
    })
    expect(contextResponse.parse({ type: 'toolkit_context', payload: { toolkit_id: 't1', tools: [] } }).toolkitId).toBe(
      't1',
    )
  })

  it('is refused when its tools are no objects', () => {
    for (const tools of [undefined, null, {}, ['search'], [[]]]) {
      expect(toolkitContext.safeParse({ toolkit_id: 't1', tools }).success).toBe(false)
    }
  })
})

describe('a task response', () => {
  const answer = (result: unknown, more: object = {}): unknown => ({
    type: 'task_response',
    request_id: 'q1',
    result: { tool: { result } },
    ...more,
  })

  it('holds any result, a falsy one too', () => {
    for (const result of [null, false, 0, '', [], { a: 1 }, { error: 'one member', of: 'two' }, { error: 5 }]) {
      expect(taskResponse.parse(answer(result))).toEqual({ request_id: 'q1', outcome: { ok: true, result } })
    }
    expect(taskResponse.parse(JSON.parse(JSON.stringify(answer(undefined))))).toEqual({
      request_id: 'q1',
      outcome: { ok: true, result: null },
    })
  })

  it('holds the typed failure of a server of ours beside the founding text', () => {
    const error = { code: 'busy', message: 'Later', retryable: true, details: { n: 1 } }
    expect(taskResponse.parse(answer({ error: 'Later' }, { error }))).toEqual({
      request_id: 'q1',
      outcome: { ok: false, error },
    })
    expect(taskResponse.parse(answer(1, { error: { code: 'of_the_future', message: 'm' } })).outcome).toEqual({
      ok: false,
      error: { code: 'tool_error', message: 'm', retryable: false },
    })
    expect(taskResponse.parse(answer(1, { error: null })).outcome).toEqual({ ok: true, result: 1 })
  })

  const failure = (message: string) => ({ ok: false, error: { code: 'tool_error', message, retryable: false } })

  it('of a founding server failed when its result is exactly an error text, or its status says so', () => {
    expect(taskResponse.parse(answer({ error: 'no file' })).outcome).toEqual(failure('no file'))
    expect(taskResponse.parse(answer({ error: '' })).outcome).toEqual(failure(''))
    const bare = { type: 'task_response', request_id: 'q1', status: 'error' }
    expect(taskResponse.parse({ ...bare, message: 'offline' }).outcome).toEqual(failure('offline'))
    expect(taskResponse.parse(bare).outcome).toEqual(failure('The server says that the call failed, and not why'))
    expect(taskResponse.parse({ ...bare, ...(answer({ error: 'why' }) as object), status: 'error' }).outcome).toEqual(
      failure('why'),
    )
  })

  it('of the first generation has its result in the payload', () => {
    const old = { type: 'task_response', request_id: 'q1', payload: { result: 0 } }
    expect(taskResponse.parse(old).outcome).toEqual({ ok: true, result: 0 })
    expect(taskResponse.parse({ ...old, payload: { result: { error: 'no' } } }).outcome).toEqual(failure('no'))
  })

  it('that a server of ours marks as no failure may hold an error text', () => {
    expect(taskResponse.parse(answer({ error: 'of yesterday' }, { error: null })).outcome).toEqual({
      ok: true,
      result: { error: 'of yesterday' },
    })
  })

  it('is refused without a result where it belongs', () => {
    for (const body of [{}, { type: 'task_response', request_id: 'q1' }, { ...(answer(1) as object), result: 5 }]) {
      expect(taskResponse.safeParse(body).success).toBe(false)
    }
  })
})

describe('the answer to a call that was stored', () => {
  it('is its id', () => {
    expect(acceptedResponse.parse({ type: 'task_accepted', request_id: 'q1', call_id: 'c1' })).toBe('c1')
    for (const odd of [{ type: 'task_response', call_id: 'c1' }, { type: 'task_accepted' }]) {
      expect(acceptedResponse.safeParse(odd).success).toBe(false)
    }
  })
})

describe('an event of a call', () => {
  it('is read by its name; what it holds may be anything', () => {
    expect(callEvents.call.parse({ call_id: 'c1', new: 1 })).toBe('c1')
    for (const value of [0.5, null, { step: 1 }]) expect(callEvents.progress.parse({ progress: value })).toEqual(value)
    expect(callEvents.chunk.parse({ sequence: 0, data: null })).toEqual({ sequence: 0, data: null })
    for (const odd of [{ data: 1 }, { sequence: -1, data: 1 }, { sequence: 0.5, data: 1 }]) {
      expect(callEvents.chunk.safeParse(odd).success).toBe(false)
    }
  })
})

describe('the state of a call', () => {
  const wire = { call_id: 'c1', tool: 'f', status: 'running', started_at: 1_000 }

  it('has its moments as numbers or as texts', () => {
    const state = callState.parse({ ...wire, status: 'succeeded', ended_at: '1970-01-01T00:00:02Z' })
    expect(state).toMatchObject({ startedAt: new Date(1_000), endedAt: new Date(2_000), toolkit: '', toolkitId: '' })
    expect(callState.safeParse({ ...wire, started_at: 'soon' }).success).toBe(false)
  })

  it('has no outcome while it runs, whatever the server writes there', () => {
    expect(callState.parse({ ...wire, result: null, error: null }).outcome).toBeUndefined()
  })

  it('has one outcome when it ended', () => {
    const ended = (more: object) => callState.parse({ ...wire, ...more }).outcome
    const error = { code: 'busy', message: 'later', retryable: true }
    expect(ended({ status: 'succeeded', result: 0 })).toEqual({ ok: true, result: 0 })
    expect(ended({ status: 'succeeded' })).toEqual({ ok: true, result: null })
    expect(ended({ status: 'failed', error })).toEqual({ ok: false, error })
    expect(ended({ status: 'failed', error: { ...error, code: 'of a newer server' } })).toMatchObject({
      error: { code: 'tool_error', message: 'later' },
    })
    expect(ended({ status: 'outcome_unknown', error: null })).toMatchObject({ error: { code: 'outcome_unknown' } })
  })
})
