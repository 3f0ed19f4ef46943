import { describe, expect, it } from 'vitest'
import { AtpError, ToolError } from '../../src/errors/atp-error.ts'
import { errorText, toToolWireError, toWireError } from '../../src/errors/to-wire-error.ts'

describe('toWireError', () => {
  it('passes code, message, retryable and details of our own errors and nothing more', () => {
    const error = new AtpError('busy', 'Later', { cause: new Error('secret'), details: { n: 1 } })
    expect(toWireError(error)).toEqual({ code: 'busy', message: 'Later', retryable: true, details: { n: 1 } })
    expect(Object.keys(toWireError(new AtpError('busy', 'Later')))).toEqual(['code', 'message', 'retryable'])
  })

  it.each([new Error('secret'), 'secret', { message: 'secret', code: 'busy' }, null, undefined])(
    'masks anything else as a defect: %s',
    (error) => {
      expect(toWireError(error)).toEqual({ code: 'internal_error', message: 'Internal error', retryable: false })
    },
  )

  it('cuts a message at 2,000 characters', () => {
    expect(toWireError(new AtpError('busy', 'x'.repeat(2_001))).message).toBe(`${'x'.repeat(1_999)}…`)
    expect(toWireError(new AtpError('busy', 'x'.repeat(2_000))).message).toBe('x'.repeat(2_000))
  })

  it.each([
    ['a BigInt', { n: 1n }],
    ['a cycle', cyclic()],
    ['more than 16 KiB', { text: 'x'.repeat(16_384) }],
    ['more levels than peers take', deep(17)],
    ['__proto__', JSON.parse('{"a": {"__proto__": 1}}')],
    ['a list instead of an object', [1]],
    ['no JSON at all', { toJSON: () => undefined }],
    ['a failing toJSON', { toJSON: () => deep(1).missing.missing }],
  ])('leaves out details with %s, so that the answer is not lost', (_what, details) => {
    const error = new ToolError('Failed', { details: details as Record<string, unknown> })
    expect(toWireError(error)).toEqual({ code: 'tool_error', message: 'Failed', retryable: false })
  })

  it('writes details as JSON will say them', () => {
    const details = { at: new Date(0), none: undefined, deep: deep(10) }
    expect(toWireError(new ToolError('Failed', { details })).details).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      deep: deep(10),
    })
  })
})

describe('toToolWireError', () => {
  it('shows the message of anything a handler threw, under the code tool_error', () => {
    for (const error of [new Error('No'), new AtpError('unauthorized', 'No'), 'No', { message: 'No' }]) {
      expect(toToolWireError(error, true)).toEqual({ code: 'tool_error', message: 'No', retryable: false })
    }
  })

  it('masks all but ToolError where errors are not exposed', () => {
    const masked = { code: 'tool_error', message: 'The tool failed', retryable: false }
    for (const error of [new Error('No'), new AtpError('unauthorized', 'No'), 'No']) {
      expect(toToolWireError(error, false)).toEqual(masked)
    }
    expect(toToolWireError(new ToolError('No'), false).message).toBe('No')
  })
})

describe('errorText', () => {
  it('finds a text for everything and never throws', () => {
    const hostile = {
      get message(): never {
        throw new Error('trap')
      },
    }
    expect(errorText(new Error('message'))).toBe('message')
    expect(errorText(new RangeError())).toBe('RangeError')
    expect(errorText(Symbol('s'))).toBe('Symbol(s)')
    for (const value of [hostile, Object.create(null), { message: Object.create(null) }, null, undefined, 5n]) {
      expect(errorText(value)).toBeTypeOf('string')
    }
  })
})

function cyclic(): object {
  const value: { self?: unknown } = {}
  value.self = value
  return value
}

// biome-ignore lint/suspicious/noExplicitAny: the shape is built, not typed
function deep(levels: number): any {
  let value: object = {}
  for (let level = 1; level < levels; level += 1) value = { value }
  return value
}
