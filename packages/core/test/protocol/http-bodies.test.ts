import { describe, expect, it } from 'vitest'
import {
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
  warnings: [{ tool: 'odd', message: 'left out' }],
}

describe('a context', () => {
  it('is read back as it was written, with and without instructions', () => {
    const { instructions: _, ...plain } = context
    for (const each of [context, plain]) {
      expect(toolkitContext.parse(JSON.parse(JSON.stringify(toWireContext(each))))).toEqual(each)
    }
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
    for (const result of [null, false, 0, '', [], { a: 1 }]) {
      expect(taskResponse.parse(answer(result))).toEqual({ request_id: 'q1', result })
    }
    expect(taskResponse.parse(JSON.parse(JSON.stringify(answer(undefined))))).toEqual({
      request_id: 'q1',
      result: null,
    })
  })

  it('holds the typed failure of a server of ours beside the founding text', () => {
    const error = { code: 'busy', message: 'Later', retryable: true, details: { n: 1 } }
    expect(taskResponse.parse(answer({ error: 'Later' }, { error }))).toEqual({
      request_id: 'q1',
      result: { error: 'Later' },
      error,
    })
    expect(taskResponse.parse(answer(1, { error: { code: 'of_the_future', message: 'm' } })).error).toEqual({
      code: 'tool_error',
      message: 'm',
      retryable: false,
    })
    expect(taskResponse.parse(answer(1, { error: null }))).toEqual({ request_id: 'q1', result: 1 })
  })

  it('is refused without a result where it belongs', () => {
    for (const body of [{}, { type: 'task_response', request_id: 'q1' }, { ...(answer(1) as object), result: 5 }]) {
      expect(taskResponse.safeParse(body).success).toBe(false)
    }
  })
})
